"""The records, one module a subject. Constraints are named; nothing here decides what a record means."""

from scopes.models.api_key import ApiCall, ApiKey
from scopes.models.attempt import Attempt, ReauthLink
from scopes.models.campaign import Campaign, Recipient
from scopes.models.connection import Connection, FormerId, Period, Pulse, ReferenceConflict, Standing
from scopes.models.erased import ErasedId
from scopes.models.escalation import Escalation
from scopes.models.incident import Incident, QuarantinedFact
from scopes.models.job import JobFailure, RequestBudget
from scopes.models.live_check import LiveCheck, Refusal, ReportedError
from scopes.models.merge import LinkEvent, Merge, SuspectedDuplicate
from scopes.models.message import Message
from scopes.models.move import EarlierAccount, MigrationCount, Move
from scopes.models.note import Note
from scopes.models.outbox import Endpoint, OutboxEvent, Sending
from scopes.models.person import DontContact, Person, Waiver
from scopes.models.received import Delivery, Listing, ListingShard
from scopes.models.saved_filter import SavedFilter
from scopes.models.sign_in import CachedValue, FailedSignIns
from scopes.models.source import Integration, PolicyVersion, Provider, Scope, Source, SourceSetup, UnknownScope
from scopes.models.suspicion import Suspicion
from scopes.models.token import Token
from scopes.models.trail import AuditRun, TrailEntry
from scopes.models.verdict import Census, Verdict

__all__ = [
    "ApiCall",
    "ApiKey",
    "Attempt",
    "AuditRun",
    "CachedValue",
    "Campaign",
    "Census",
    "Connection",
    "Delivery",
    "DontContact",
    "EarlierAccount",
    "Endpoint",
    "ErasedId",
    "Escalation",
    "FailedSignIns",
    "FormerId",
    "Incident",
    "Integration",
    "JobFailure",
    "LinkEvent",
    "Listing",
    "ListingShard",
    "LiveCheck",
    "Merge",
    "Message",
    "MigrationCount",
    "Move",
    "Note",
    "OutboxEvent",
    "Period",
    "Person",
    "PolicyVersion",
    "Provider",
    "Pulse",
    "QuarantinedFact",
    "ReauthLink",
    "Recipient",
    "ReferenceConflict",
    "Refusal",
    "ReportedError",
    "RequestBudget",
    "SavedFilter",
    "Scope",
    "Sending",
    "Source",
    "SourceSetup",
    "Standing",
    "SuspectedDuplicate",
    "Suspicion",
    "Token",
    "TrailEntry",
    "UnknownScope",
    "Verdict",
    "Waiver",
]  # fmt: skip
