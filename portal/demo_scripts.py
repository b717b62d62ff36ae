"""What the demo has Django's shell do, for which there is no command."""

from __future__ import annotations

# Each command as manage.py runs it. To start Django anew for each would take most of the demo's time.
RUN_STEPS = """
import json, os
from portal.startup_errors import run_command
for title, words in json.loads(os.environ["DEMO_STEPS"]):
    print(f"\\n== {title}", flush=True)
    try:
        run_command(["manage.py", *words])
    except SystemExit as ended:
        if ended.code:
            raise SystemExit(f"{title}: `manage.py {words[0]}` ended with exit code {ended.code}.") from None
"""
MAKE_AGENTS = """
import json, os
from django.contrib.auth.models import Group, User
for role, password in json.loads(os.environ["DEMO_AGENTS"]).items():
    agent, made = User.objects.get_or_create(username=role, defaults={"is_staff": True})
    agent.is_superuser = role == "administrator"
    agent.set_password(password)
    agent.save()
    agent.groups.set(Group.objects.filter(name=role))
"""
# The demo has one night behind it; a desk has many.
MAKE_NIGHTS = """
from copy import deepcopy
from datetime import timedelta
from random import Random
from scopes.models import AuditRun
draw, last = Random(1), AuditRun.objects.filter(state="done").latest("started_at")
has_past = AuditRun.objects.filter(started_at__lt=last.started_at - timedelta(days=1)).exists()
for ago in () if has_past else range(29, 0, -1):
    counts = deepcopy(last.counts)
    for source in counts["sources"].values():
        for health in ("blocked", "broken"):
            fewer = round(source["health"].get(health, 0) * (ago / 29) ** 2 * draw.uniform(0.3, 0.5))
            source["health"][health] = source["health"].get(health, 0) - fewer
            source["health"]["ok"] = source["health"].get("ok", 0) + fewer
    began = last.started_at - timedelta(days=ago)
    AuditRun.objects.create(
        started_at=began, finished_at=began + timedelta(seconds=9), state="done", counts=counts, exit_code=0
    )
"""
# Three people consent at the OAuth provider, through links as anybody's; one of them leaves a box unticked.
MAKE_CONSENTS = """
import re
from urllib.parse import urlsplit
import requests
from django.conf import settings
from django.test import Client
from django.utils import timezone
from scopes.models import Connection, Integration, Person
from scopes.models.trail import Act
from scopes.reauth.issue import Wish, issue
integration = Integration.objects.get(source__kind="oauth2", provider__slug="google_health")
host = urlsplit(settings.PORTAL_URL).netloc
for reference_id, left_out in (("ada", ""), ("ben", "health_metrics"), ("gus", "")):
    person = Person.objects.get(reference_id=reference_id)
    if Connection.objects.filter(person=person, integration=integration).exists():
        continue
    wish = Wish(Act(None, "The demo's own.", by="demo"), person.locale or "en")
    issued = issue(person, integration, wish, timezone.now(), at_most=settings.PORTAL_LINKS_A_MONTH)
    browser, headers = Client(), {"host": host}
    away = browser.post(f"/r/{issued.link.public_id}/{issued.secret}", headers=headers)["Location"]
    boxes = re.findall('name="scope" value="([^"]+)"', requests.get(away, timeout=10).text)
    ticked = [box for box in boxes if not left_out or left_out not in box]
    form = {"decision": "allow", "account": reference_id, "scope": ticked}
    back = urlsplit(requests.post(away, data=form, allow_redirects=False, timeout=10).headers["Location"])
    browser.get(f"{back.path}?{back.query}", headers=headers)
    assert Connection.objects.filter(person=person, integration=integration).exists(), reference_id
    print(f"{person.name} consented at {integration}, {len(ticked)} of {len(boxes)} boxes ticked")
"""
# One campaign is sent, and what its people will do with their mails is left for `demo_people`; another is a draft.
MAKE_CAMPAIGNS = """
import json, os
from itertools import cycle
from pathlib import Path
from django.utils import timezone
from scopes import jobs
from scopes.models import Campaign, Integration, Recipient
from scopes.models.trail import Act
from scopes.reauth.campaigns import acts
def drafted(slug, name, act):
    integration = Integration.objects.get(source__kind="terra", provider__slug=slug)
    filters = {"integration": str(integration.pk), "health": "blocked"}
    plan = acts.Plan(name, days=14, per_hour=6000, filters=filters)
    campaign = acts.draft(plan, act, timezone.now())
    jobs.run_campaign(campaign.pk)
    campaign.refresh_from_db()
    return campaign
if not Campaign.objects.exists():
    act = Act(None, "Their day stays empty without it.", "T-2041", by="lead")
    sent = drafted("garmin", "Garmin: health data switched off", act)
    acts.start(sent, act, timezone.now())
    jobs.run_campaign(sent.pk)
    jobs.send_messages()
    drafted("oura", "Oura: heart rate left out", Act(None, "Recovery needs it.", "T-2050", by="lead"))
    ways = cycle(("consent", "open", "consent", "leave out", "nothing", "consent", "press"))
    links = Recipient.objects.filter(campaign=sent, link__isnull=False).order_by("pk")
    answers = {
        public_id: {"way": next(ways), "needs": needs}
        for public_id, needs in links.values_list("link__public_id", "link__needs")
    }
    Path(os.environ["DEMO_ANSWERS"]).write_text(json.dumps(answers))
    print("Links by mail:", len(answers))
"""
MAKE_NOTES = """
from django.utils import timezone
from scopes.admin import escalations, notes
from scopes.models import Connection, Escalation, Note, Person
from scopes.models.trail import Act
now = timezone.now()
if not Note.objects.exists():
    for reference_id, author, text in (
        ("ben", "agent", "Called about his recovery score: he left the box out by mistake, and waits for a link."),
        ("ben", "lead", "Prefers e-mail. Call him only in the morning."),
        ("cy", "agent", "Has a new watch, and connected it with another account first."),
    ):
        notes.write(Person.objects.get(reference_id=reference_id), text, Act(None, by=author), now)
whoop = Connection.objects.filter(integration__provider__slug="whoop", person__isnull=False, merged_into=None)
for row in () if Escalation.objects.exists() else whoop.order_by("pk"):
    if texts := escalations.of_connection(row):
        act = Act(None, "Two people asked for it this week.", "T-2044", by="agent")
        escalations.take(escalations.make(row, texts[0], act, now), Act(None, by="engineer"), now)
        break
print("Notes:", Note.objects.count(), "Escalations:", *Escalation.objects.values_list("title", flat=True))
"""
# Cy is sent a link by mail, which lands in the demo's mailbox.
MAKE_MAIL = """
from django.conf import settings
from django.utils import timezone
from scopes import jobs
from scopes.models import Connection, Message
from scopes.models.trail import Act
from scopes.reauth.issue import Wish, issue
from scopes.reauth.messages import queue_message
connection = Connection.objects.get(person__reference_id="cy", integration__provider__slug="garmin", merged_into=None)
if not Message.objects.filter(link__person=connection.person).exists():
    person, now = connection.person, timezone.now()
    wish = Wish(Act(None, "The demo's own.", by="demo"), person.locale)
    issued = issue(person, connection.integration, wish, now, connection, at_most=settings.PORTAL_LINKS_A_MONTH)
    queue_message(issued.link, now)
    jobs.send_messages()
print("Messages:", *Message.objects.filter(link__person=connection.person).values_list("state", flat=True))
"""
