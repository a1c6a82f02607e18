"""`/staff` on the short host, which marks the browsers of signed-in users as staff.

The steps are in `shortlinks/domain/visits/staff_handoff.py`.
"""

from urllib.parse import parse_qsl

import redis.asyncio as redis

from shortlinks.domain.circuit_breaker import CircuitBreaker
from shortlinks.domain.visits import staff_cookie, staff_handoff
from shortlinks.domain.visits.staff_handoff import Invitation
from shortlinks.redirects import pages
from shortlinks.redirects.pages import Response
from shortlinks.redirects.visit_facts import Request

# The location of a redirect, None for 404, and the Set-Cookie headers.
Step = tuple[str | None, list[bytes]]
NOWHERE: Step = (None, [])
MAX_QUERY_BYTES = 8192  # a token contains the path to return to
TTL_SECONDS = int(staff_handoff.TTL.total_seconds())


class StaffInvitations:
    def __init__(self, cache: redis.Redis, breaker: CircuitBreaker) -> None:
        self._cache = cache
        self._breaker = breaker

    async def respond(self, request: Request) -> Response:
        """Return a redirect of the handoff, or the same 404 as for unknown codes."""
        location, set_cookies = await self._next_step(request)
        if location is None:
            return pages.page(404, request.headers.get(b"accept-language"))
        headers = [(b"location", location.encode("ascii")), *pages.REDIRECT_HEADERS]
        return Response(303, headers + [(b"set-cookie", c) for c in set_cookies])

    async def _next_step(self, request: Request) -> Step:
        if request.method != "GET" or request.purpose:
            return NOWHERE  # a preview must not use the invitation up
        if len(request.query) > MAX_QUERY_BYTES:
            return NOWHERE
        query = dict(parse_qsl(request.query.decode("latin-1")))
        cookies = request.headers.get(b"cookie", b"")
        if staff_handoff.INVITATION in query:
            return await self._accept(query[staff_handoff.INVITATION], cookies)
        if staff_handoff.START in query:
            return _start(query, cookies)
        return NOWHERE

    async def _accept(self, token: str, cookies: bytes) -> Step:
        """Return the URL to go back to and the staff cookie, at the first use only.

        Without Redis, the browser is sent back without the cookie.
        """
        invitation = staff_handoff.read_invitation(token)
        if invitation and not staff_handoff.has_verifier(cookies, invitation.challenge):
            invitation = None
        is_first = await self._claim(invitation)
        if invitation is None or is_first is False:
            return NOWHERE
        back = staff_handoff.back_url(invitation.back)
        return back, _staff_cookies(invitation) if is_first else []

    async def _claim(self, invitation: Invitation | None) -> bool | None:
        """Return whether this is the first use, or None if Redis is unavailable.

        Without an invitation, the same command stores nothing, so that the time of the
        response does not depend on the reason of a rejection.
        """
        if self._breaker.is_open:
            return None
        key = staff_handoff.claim_key(invitation.nonce if invitation else "")
        is_valid = invitation is not None
        try:
            return bool(
                await self._cache.set(
                    key, 1, ex=TTL_SECONDS, nx=is_valid, xx=not is_valid
                )
            )
        except redis.RedisError as error:
            self._breaker.trip(error)
            return None


def _start(query: dict[str, str], cookies: bytes) -> Step:
    """Set a verifier; at the second request, send its challenge to the admin."""
    token = query[staff_handoff.START]
    if staff_handoff.read_start(token) is None:
        return NOWHERE
    challenge = query.get(staff_handoff.CHALLENGE)
    if challenge is None:
        challenge, header = staff_handoff.new_verifier()
        old = staff_handoff.delete_many_verifiers(cookies)
        return staff_handoff.check_path(token, challenge), [*old, header]
    if not staff_handoff.has_verifier(cookies, challenge):
        challenge = ""  # cookies are blocked
    return staff_handoff.callback_url(token, challenge), []


def _staff_cookies(invitation: Invitation) -> list[bytes]:
    return [
        staff_cookie.cookie_header(invitation.user_id, invitation.account_id),
        staff_handoff.delete_verifier(invitation.challenge),
    ]
