"""Every URL of the web."""

from csp.constants import UNSAFE_INLINE
from csp.decorators import csp_update
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.routers import DefaultRouter

from webadmin import health
from webadmin.audit.api import AuditViewSet
from webadmin.dashboard import accounts, aliases, domains, lists, overview, session, signins
from webadmin.directory.api import AccountViewSet, AliasViewSet, DomainViewSet
from webadmin.directory.signin_api import AppPasswordViewSet, BlockViewSet, IssuerViewSet
from webadmin.policy import pages as policy
from webadmin.policy.api import DnsListViewSet, InboundViewSet, LimitViewSet, NetworkViewSet, SealerViewSet
from webadmin.queue.api import QueueViewSet
from webadmin.signing.api import DkimKeyViewSet
from webadmin.trace.api import TraceViewSet

router = DefaultRouter()
router.register("domains", DomainViewSet)
router.register("accounts", AccountViewSet)
router.register("aliases", AliasViewSet, basename="alias")
router.register("dkim-keys", DkimKeyViewSet, basename="dkim-key")
router.register("inbound-policies", InboundViewSet, basename="inbound-policy")
router.register("dns-lists", DnsListViewSet, basename="dns-list")
router.register("trusted-networks", NetworkViewSet, basename="trusted-network")
router.register("trusted-sealers", SealerViewSet, basename="trusted-sealer")
router.register("reception-limits", LimitViewSet, basename="reception-limit")
router.register("app-passwords", AppPasswordViewSet, basename="app-password")
router.register("issuers", IssuerViewSet)
router.register("blocks", BlockViewSet, basename="block")
router.register("queue", QueueViewSet)
router.register("trace", TraceViewSet)
router.register("audit", AuditViewSet)

# The page that tries the API out writes styles into its elements; no other page may.
docs = csp_update({"style-src": [UNSAFE_INLINE]})(
    SpectacularSwaggerSplitView.as_view(url_name="schema", permission_classes=[])
)

# Who may call is decided by the API itself, which answers 401, never by a redirect to a form.
api: list[URLPattern | URLResolver] = [
    path("schema/", SpectacularAPIView.as_view(permission_classes=[]), name="schema"),
    path("docs/", docs, name="docs"),
    path("", include(router.urls)),
]

pages: list[URLPattern | URLResolver] = [
    path("", overview.dashboard, name="dashboard"),
    path("traffic.json", overview.traffic, name="traffic"),
    path("sign-in/", session.SignIn.as_view(), name="sign-in"),
    path("sign-out/", session.sign_out, name="sign-out"),
    path("password/", session.password, name="password"),
    path("domains/", domains.index, name="domains"),
    path("domains/<int:pk>/", domains.one, name="domain"),
    path("domains/<int:pk>/delete/", domains.delete, name="domain-delete"),
    path("domains/<int:pk>/dkim/", domains.dkim, name="domain-dkim"),
    path("domains/<int:pk>/policy/", policy.of_domain, name="domain-policy"),
    path("policy/", policy.index, name="policy"),
    path("policy/<str:what>/<int:pk>/remove/", policy.remove, name="policy-remove"),
    path("accounts/", accounts.index, name="accounts"),
    path("accounts/new/", accounts.new, name="account-new"),
    path("accounts/<int:pk>/", accounts.one, name="account"),
    path("accounts/<int:pk>/held/", accounts.held, name="account-held"),
    path("accounts/<int:pk>/disposable/", accounts.new_disposable, name="disposable-new"),
    path("accounts/<int:pk>/delete/", accounts.delete, name="account-delete"),
    path("accounts/<int:pk>/app-passwords/new/", signins.new_app_password, name="app-password-new"),
    path("accounts/<int:pk>/app-passwords/<int:app>/revoke/", signins.revoke, name="app-password-revoke"),
    path("aliases/", aliases.index, name="aliases"),
    path("aliases/new/", aliases.new, name="alias-new"),
    path("aliases/<int:pk>/", aliases.one, name="alias"),
    path("aliases/<int:pk>/delete/", aliases.delete, name="alias-delete"),
    path("sign-ins/", signins.index, name="sign-ins"),
    path("sign-ins/blocks/<slug:pk>/lift/", signins.lift, name="block-lift"),
    path("sign-ins/issuers/new/", signins.new_issuer, name="issuer-new"),
    path("sign-ins/issuers/<int:pk>/", signins.one_issuer, name="issuer"),
    path("sign-ins/issuers/<int:pk>/delete/", signins.delete_issuer, name="issuer-delete"),
    path("queue/", lists.queue, name="queue"),
    path("queue/<int:pk>/", lists.recipient, name="recipient"),
    path("trace/", lists.trace, name="trace"),
    path("audit/", lists.audit, name="audit"),
]

handler500 = "webadmin.outage.server_error"

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.healthz),
    path("metrics", health.metrics),
    path("api/v1/", include(api)),
    *pages,
]
