"""Each role runs all of its tasks with only its own secrets."""

import subprocess
import sys

import pytest
from allauth.mfa.models import Authenticator

from config.celery import app
from deploy import roles
from shortlinks.domain.auth import field_encryption
from tests import factories, services
from tests.admin import fixtures_full_account

QUEUES = {"worker": roles.QUEUES, "webhooks": roles.SLOW_QUEUES}
RUN = """
import sys
from config.celery import app
for name in sys.argv[1:]:
    app.tasks[name].apply(throw=True)
"""


def tasks(role: str) -> list[str]:
    """Return the tasks that beat sends to the role's queues."""
    sent = {each["task"] for each in app.conf.beat_schedule.values()}
    queues = {name: app.amqp.router.route({}, name)["queue"].name for name in sent}
    return sorted(name for name, queue in queues.items() if queue in QUEUES[role])


@pytest.mark.parametrize("role", QUEUES)
def test_tasks_need_only_the_secrets_of_their_role(
    transactional_db: None, role: str
) -> None:
    account = factories.account()
    fixtures_full_account.fill(account, "a", responsible=factories.user(account))
    secret = field_encryption.encrypt("a secret")
    user = factories.user(account)
    Authenticator.objects.create(user=user, type="totp", data={"secret": secret})

    done = subprocess.run(
        (sys.executable, "-c", RUN, *tasks(role)),
        env={**services.base_environment(), "ROLE": role},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr
    assert tasks(role)
