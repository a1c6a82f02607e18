"""The pages of mail gateways, from which a person opens a rewritten link."""

import re

# Hosts of mail gateways' pages. Reviewed by hand; docs/adr/0036 has the sources.
_GATEWAYS = re.compile(
    r"""(?:^|\.)(?: safelinks\.protection\.outlook\.com | urldefense\.(?:com|us)
    | urldefense\.proofpoint\.com | statics\.teams\.cdn\.office\.net
    | teams\.public\.onecdn\.static\.microsoft
    | mimecastprotect\.com | protect(?:-\w+)?\.mimecast\.com | cudasvc\.com
    | protection\.sophos\.com | clicktime\.symantec\.com | secure-web\.cisco\.com
    | clicktime\.cloud\.postoffice\.net
    | scanmail\.trustwave\.com | protect2\.fireeye\.com | emailprotection\.link
    | click\.avanan\.net | protect\.checkpoint\.com | urlsand\.com
    | imsva91-ctp\.trendmicro\.com | tmase\.trendmicro\.com
    | linklock\.titanhq\.com | atpscan\.global\.hornetsecurity\.com )$
    | ^security-[\w-]+\.mimecast\w*\.com$""",
    re.VERBOSE,
)


def is_page(host: str) -> bool:
    """Return whether the host of a referrer shows pages of a mail gateway."""
    return bool(host) and _GATEWAYS.search(host) is not None
