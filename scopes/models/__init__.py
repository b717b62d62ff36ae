"""The records, one module a subject. Constraints are named; nothing here decides what a record means."""

from scopes.models.attempt import Attempt, ReauthLink
from scopes.models.connection import Connection, FormerId, OtherReference, Period, Pulse, Standing
from scopes.models.doubt import Doubt
from scopes.models.erased import ErasedId
from scopes.models.evidence import LiveCheck, Refusal
from scopes.models.incident import HeldFact, Incident
from scopes.models.merge import LinkEvent, Merge, SuspectedDuplicate
from scopes.models.person import DontContact, Person, Waiver
from scopes.models.received import Delivery, Listing
from scopes.models.sign_in import SignInTries
from scopes.models.source import Integration, PolicyVersion, Provider, Scope, Source, TerraSetup, UnknownScope
from scopes.models.trail import AuditRun, TrailEntry
from scopes.models.verdict import Census, Verdict
from scopes.models.work import JobFailure, RequestBudget

__all__ = [
    "Attempt", "AuditRun", "Census", "Connection", "Delivery", "DontContact", "Doubt", "ErasedId", "FormerId",
    "HeldFact", "Incident", "Integration", "JobFailure", "LinkEvent", "Listing", "LiveCheck", "Merge", "OtherReference",
    "Period", "Person", "PolicyVersion", "Provider", "Pulse", "ReauthLink", "Refusal", "RequestBudget", "Scope",
    "SignInTries", "Source", "Standing", "SuspectedDuplicate", "TerraSetup", "TrailEntry", "UnknownScope", "Verdict",
    "Waiver",
]  # fmt: skip
