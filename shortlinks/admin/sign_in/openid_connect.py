from allauth.socialaccount.adapter import DefaultSocialAccountAdapter


class ProviderAdapter(DefaultSocialAccountAdapter):
    pass
