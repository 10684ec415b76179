"""`python -m aisearch_operator` is `aisearch-operator`."""

from aisearch_operator.cli import main

main(prog_name="aisearch-operator")
