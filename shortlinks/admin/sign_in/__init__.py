"""Sign-in: password or passkey, second factor, OpenID Connect, sessions, invitations.

Django-allauth does the work (docs/adr/0055). Here are its adapters, and our rules.
"""
