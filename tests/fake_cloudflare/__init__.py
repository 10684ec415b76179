"""A fake of the Cloudflare AI Search API over HTTP: strict, with faults, a clock and a journal for tests."""

from fake_cloudflare.admin_client import AdminClient, AdminError, FakeAccount, InstanceView, JobView
from fake_cloudflare.faults import Broken, Delay, Drop, Fault, Gate, Status
from fake_cloudflare.journal import JournalEntry
from fake_cloudflare.options import AccountOptions, JobPlan
from fake_cloudflare.server import FakeCloudflare

__all__ = [
    "AccountOptions",
    "AdminClient",
    "AdminError",
    "Broken",
    "Delay",
    "Drop",
    "FakeAccount",
    "FakeCloudflare",
    "Fault",
    "Gate",
    "InstanceView",
    "JobPlan",
    "JobView",
    "JournalEntry",
    "Status",
]
