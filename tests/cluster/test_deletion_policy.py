"""Which instances stay when their resources go: policies of spec, namespace and operator, and uploaded files."""

from harness.kube import instance

KIND = "AISearchInstance"
ANNOTATION = "aisearch.cloudflare.com/deletion-policy"


def annotate(stage, value):
    metadata = {"name": stage.kube.namespace, "annotations": {ANNOTATION: value}}
    stage.kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})


def end(stage, name):
    stage.kube.delete(KIND, name)
    stage.kube.wait_gone(KIND, name)


def test_the_namespace_decides_where_the_spec_does_not_and_an_unclear_word_keeps_the_instance(stage):
    kube = stage.kube
    names = ("kept", "deleted", "unclear", "unsaid", "emptied")
    kube.apply(*(instance(name, **({"deletionPolicy": "Delete"} if name == "deleted" else {})) for name in names))
    for name in names:
        kube.wait_condition(KIND, name, "Ready")

    annotate(stage, "Retain")
    end(stage, "kept")
    end(stage, "deleted")
    annotate(stage, "Keep it")
    end(stage, "unclear")
    annotate(stage, "Delete")
    stage.account.set_files("unsaid", 3)
    end(stage, "unsaid")
    end(stage, "emptied")

    assert sorted(each.id for each in stage.account.instances()) == ["kept", "unclear", "unsaid"]
    kind, message = kube.wait_event("kept", "Retained")
    assert kind == "Normal"
    assert f"{ANNOTATION} of namespace {kube.namespace} is Retain" in message
    kind, message = kube.wait_event("unclear", "Retained")
    assert kind == "Warning"
    assert "is neither Delete nor Retain" in message
    kind, message = kube.wait_event("unsaid", "FilesKept")
    assert kind == "Warning"
    assert "deletionPolicy: Delete" in message


def test_without_the_right_to_read_the_namespace_only_the_spec_can_have_an_instance_deleted(make_stage):
    stage = make_stage(deletion_policy="Delete")
    stage.withdraw_rule("namespaces")
    stage.operator.start()
    kube = stage.kube
    kube.apply(instance("unsaid"), instance("said", deletionPolicy="Delete"))
    for name in ("unsaid", "said"):
        kube.wait_condition(KIND, name, "Ready")

    end(stage, "said")
    end(stage, "unsaid")

    assert [each.id for each in stage.account.instances()] == ["unsaid"]
    kind, message = kube.wait_event("unsaid", "Retained")
    assert kind == "Warning"
    assert f"no right to get namespace {kube.namespace}" in message
