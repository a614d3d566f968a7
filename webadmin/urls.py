"""Every URL of the web."""

from allauth.account.views import logout, reauthenticate
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as recovery_codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as webauthn
from allauth.socialaccount.providers.openid_connect import views as openid_connect
from allauth.socialaccount.views import login_cancelled
from csp.constants import UNSAFE_INLINE
from csp.decorators import csp_update
from django.contrib.auth.decorators import login_not_required
from django.urls import URLPattern, URLResolver, include, path
from django.views.i18n import set_language
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.routers import DefaultRouter

from webadmin import health
from webadmin.audit import pages as audit
from webadmin.audit.api import AuditViewSet
from webadmin.certificates import pages as certificates
from webadmin.certificates.api import CertificateViewSet
from webadmin.dashboard import (
    accounts,
    administrators,
    aliases,
    domains,
    groups,
    live,
    manyaccounts,
    overview,
    session,
    signins,
    tenants,
    tokens,
)
from webadmin.directory.api import AccountViewSet, AliasViewSet, DomainViewSet
from webadmin.directory.groups_api import GroupViewSet
from webadmin.directory.lifecycle_api import DeletedViewSet, ImportViewSet, LifeViewSet
from webadmin.directory.people_api import AdministratorViewSet, TenantViewSet, TokenViewSet
from webadmin.directory.signin_api import AppPasswordViewSet, BlockViewSet, IssuerViewSet
from webadmin.directory.state_api import StateViewSet
from webadmin.jobs import pages as jobs
from webadmin.jobs.api import JobViewSet
from webadmin.own import pages as own
from webadmin.own import recovery, sharing
from webadmin.own.api import ForwardingViewSet, VacationViewSet
from webadmin.own.mail_api import ExportViewSet, RecoveryViewSet, RemovedViewSet
from webadmin.own.sharing_api import SharedFoldersViewSet
from webadmin.policy import pages as policy
from webadmin.policy import rehearsals
from webadmin.policy.api import (
    DnsListViewSet,
    InboundViewSet,
    LimitViewSet,
    NetworkViewSet,
    SealerViewSet,
    WithheldViewSet,
)
from webadmin.privacy import key_pages, root_pages
from webadmin.privacy import pages as private
from webadmin.privacy.api import KeyViewSet, RequestViewSet
from webadmin.privacy.policy_api import AccountMailViewSet, DirectoryViewSet, DomainMailViewSet
from webadmin.privacy.roots_api import RootViewSet
from webadmin.queue import pages as queue
from webadmin.queue import waiting
from webadmin.queue.api import QueueViewSet, SuppressionViewSet
from webadmin.queue.routes_api import RouteViewSet
from webadmin.queue.sources_api import SourceViewSet
from webadmin.records import pages as records
from webadmin.records.api import ListingViewSet, RecordsViewSet, StsOfferViewSet
from webadmin.reports import pages as reports
from webadmin.reports.api import DeliverabilityViewSet, DmarcReportViewSet, MailboxViewSet, TlsReportViewSet
from webadmin.security import pages as security
from webadmin.security.api import AccessRuleViewSet, SignInViewSet
from webadmin.signing.api import DkimKeyViewSet
from webadmin.support import pages as support
from webadmin.trace import pages as trace
from webadmin.trace.api import MessageViewSet, TraceViewSet
from webadmin.webhooks import pages as webhooks
from webadmin.webhooks.api import DeliveryViewSet, WebhookViewSet

router = DefaultRouter()
router.register("domains", DomainViewSet)
router.register("accounts", AccountViewSet)
router.register("account-lives", LifeViewSet, basename="account-life")
router.register("deleted-accounts", DeletedViewSet, basename="deleted-account")
router.register("account-imports", ImportViewSet, basename="account-import")
router.register("groups", GroupViewSet, basename="group")
router.register("aliases", AliasViewSet, basename="alias")
router.register("dkim-keys", DkimKeyViewSet, basename="dkim-key")
router.register("certificates", CertificateViewSet)
router.register("inbound-policies", InboundViewSet, basename="inbound-policy")
router.register("dns-lists", DnsListViewSet, basename="dns-list")
router.register("trusted-networks", NetworkViewSet, basename="trusted-network")
router.register("trusted-sealers", SealerViewSet, basename="trusted-sealer")
router.register("reception-limits", LimitViewSet, basename="reception-limit")
router.register("withheld-capabilities", WithheldViewSet, basename="withheld-capability")
router.register("app-passwords", AppPasswordViewSet, basename="app-password")
router.register("forwardings", ForwardingViewSet, basename="forwarding")
router.register("vacations", VacationViewSet, basename="vacation")
router.register("shared-folders", SharedFoldersViewSet, basename="shared-folder")
router.register("removed-messages", RemovedViewSet, basename="removed-message")
router.register("exports", ExportViewSet, basename="export")
router.register("recovery-addresses", RecoveryViewSet, basename="recovery-address")
router.register("mail-roots", RootViewSet, basename="mail-root")
router.register("privacy-keys", KeyViewSet, basename="privacy-key")
router.register("certificate-requests", RequestViewSet, basename="certificate-request")
router.register("private-mail", AccountMailViewSet, basename="private-mail")
router.register("domain-private-mail", DomainMailViewSet, basename="domain-private-mail")
router.register("key-directories", DirectoryViewSet, basename="key-directory")
router.register("issuers", IssuerViewSet)
router.register("blocks", BlockViewSet, basename="block")
router.register("queue", QueueViewSet)
router.register("suppressions", SuppressionViewSet)
router.register("routes", RouteViewSet)
router.register("source-addresses", SourceViewSet, basename="source-address")
router.register("webhooks", WebhookViewSet)
router.register("webhook-deliveries", DeliveryViewSet, basename="webhook-delivery")
router.register("report-mailboxes", MailboxViewSet, basename="report-mailbox")
router.register("dmarc-reports", DmarcReportViewSet, basename="dmarc-report")
router.register("tls-reports", TlsReportViewSet, basename="tls-report")
router.register("deliverability", DeliverabilityViewSet, basename="deliverability")
router.register("trace", TraceViewSet)
router.register("messages", MessageViewSet, basename="message")
router.register("audit", AuditViewSet)
router.register("tenants", TenantViewSet)
router.register("administrators", AdministratorViewSet)
router.register("tokens", TokenViewSet, basename="token")
router.register("jobs", JobViewSet)
router.register("settings", support.SettingViewSet, basename="setting")
router.register("health", support.HealthViewSet, basename="health")
router.register("access-rules", AccessRuleViewSet, basename="access-rule")
router.register("mail-sign-ins", SignInViewSet, basename="mail-sign-in")
router.register("rehearsals", rehearsals.RehearsalViewSet, basename="rehearsal")
router.register("domain-records", RecordsViewSet, basename="domain-record")
router.register("mta-sts-policies", StsOfferViewSet, basename="mta-sts-policy")
router.register("blocklist-entries", ListingViewSet, basename="blocklist-entry")

# The page that tries the API out writes styles into its elements; no other page may.
docs = csp_update({"style-src": [UNSAFE_INLINE]})(
    SpectacularSwaggerSplitView.as_view(url_name="schema", permission_classes=[])
)

# Who may call is decided by the API itself, which answers 401, never by a redirect to a form.
api: list[URLPattern | URLResolver] = [
    path("schema/", SpectacularAPIView.as_view(permission_classes=[]), name="schema"),
    path("docs/", docs, name="docs"),
    path("state/", StateViewSet.as_view({"get": "now", "put": "apply"}, basename="state"), name="state"),
    path("", include(router.urls)),
]

# What allauth calls by these names; it is told everything else in settings.py and identity.py.
signing_in: list[URLPattern] = [
    path("language/", login_not_required(set_language), name="language"),
    path("sign-in/", session.SignIn.as_view(), name="account_login"),
    path("sign-in/again/", reauthenticate, name="account_reauthenticate"),
    path("sign-in/second/", mfa.authenticate, name="mfa_authenticate"),
    path("sign-in/second/again/", mfa.reauthenticate, name="mfa_reauthenticate"),
    path("sign-in/passkey/", webauthn.login_webauthn, name="mfa_login_webauthn"),
    path("sign-in/passkey/again/", webauthn.reauthenticate_webauthn, name="mfa_reauthenticate_webauthn"),
    path("sign-in/by/<str:provider_id>/", openid_connect.login, name="openid_connect_login"),
    path("sign-in/by/<str:provider_id>/callback/", openid_connect.callback, name="openid_connect_callback"),
    path("sign-in/cancelled/", login_cancelled, name="socialaccount_login_cancelled"),
    path("sign-out/", logout, name="account_logout"),
    path("me/app/", totp.activate_totp, name="mfa_activate_totp"),
    path("me/app/off/", totp.deactivate_totp, name="mfa_deactivate_totp"),
    path("me/recovery-codes/", recovery_codes.view_recovery_codes, name="mfa_view_recovery_codes"),
    path("me/recovery-codes/new/", recovery_codes.generate_recovery_codes, name="mfa_generate_recovery_codes"),
    path("me/recovery-codes/file/", recovery_codes.download_recovery_codes, name="mfa_download_recovery_codes"),
    path("me/passkeys/", webauthn.list_webauthn, name="mfa_list_webauthn"),
    path("me/passkeys/new/", webauthn.add_webauthn, name="mfa_add_webauthn"),
    path("me/passkeys/<int:pk>/", webauthn.edit_webauthn, name="mfa_edit_webauthn"),
    path("me/passkeys/<int:pk>/remove/", webauthn.remove_webauthn, name="mfa_remove_webauthn"),
]

pages: list[URLPattern | URLResolver] = [
    path("", overview.dashboard, name="dashboard"),
    path("live/", live.live, name="live"),
    path("traffic.json", overview.traffic, name="traffic"),
    *signing_in,
    path("password/", session.password, name="password"),
    path("me/", own.home, name="home"),
    path("me/sign-in/", session.me, name="mfa_index"),
    path("me/log/", own.log, name="own-log"),
    path("me/log/sign-out/", own.sign_out, name="own-sign-out"),
    path("me/app-passwords/", own.apps, name="own-apps"),
    path("me/app-passwords/new/", own.new_app, name="own-app-new"),
    path("me/app-passwords/<int:pk>/revoke/", own.revoke_app, name="own-app-revoke"),
    path("me/programs/", own.set_up, name="own-programs"),
    path("me/programs/mail.mobileconfig", own.apple, name="own-apple"),
    path("me/deleted/", own.removed, name="own-removed"),
    path("me/recovery/", recovery.address, name="own-recovery"),
    path("me/recovery/confirm/<str:token>/", recovery.confirm, name="own-recovery-confirm"),
    path("forgotten/", recovery.forgotten, name="forgotten"),
    path("forgotten/<str:token>/", recovery.reset, name="forgotten-reset"),
    path("me/export/", own.export_mail, name="own-export"),
    path("me/forwarding/", own.forwarding, name="own-forwarding"),
    path("me/vacation/", own.vacation, name="own-vacation"),
    path("me/addresses/", own.addresses, name="own-addresses"),
    path("me/addresses/<int:pk>/delete/", own.delete_address, name="own-address-delete"),
    path("me/sharing/", sharing.own, name="own-sharing"),
    path("me/private/", private.own, name="own-private"),
    path("me/private/<str:step>/", private.own_step, name="own-private-step"),
    path("keys/<int:pk>/", key_pages.one, name="key"),
    path("keys/<int:pk>/act/", key_pages.act, name="key-act"),
    path("keys/<int:pk>/public/", key_pages.public, name="key-public"),
    path("keys/<int:pk>/private/", key_pages.private, name="key-private"),
    path("keys/requests/<int:pk>/", key_pages.waiting, name="key-request"),
    path("keys/requests/<int:pk>/discard/", key_pages.discard, name="key-request-discard"),
    path("me/sessions/end/", session.end_others, name="sessions-end"),
    path("me/sessions/<int:pk>/end/", session.end, name="session-end"),
    path("domains/", domains.index, name="domains"),
    path("domains/<int:pk>/", domains.one, name="domain"),
    path("domains/<int:pk>/delete/", domains.delete, name="domain-delete"),
    path("domains/<int:pk>/records/", records.checked, name="domain-records"),
    path("domains/<int:pk>/zone/", records.zone, name="domain-zone"),
    path("domains/<int:pk>/mta-sts/", records.sts, name="domain-sts"),
    path("domains/records/", records.check_all, name="records-all"),
    path("blocklists/", records.blocklists, name="blocklists"),
    path("domains/<int:pk>/dkim/", domains.dkim, name="domain-dkim"),
    path("domains/<int:pk>/reports/", reports.mailbox, name="report-mailbox"),
    path("domains/<int:pk>/policy/", policy.of_domain, name="domain-policy"),
    path("domains/<int:pk>/private/", private.of_domain, name="domain-private"),
    path("domains/<int:pk>/private/<str:step>/", private.domain_step, name="domain-private-step"),
    path("certificates/", certificates.index, name="certificates"),
    path("certificates/mail/", root_pages.index, name="mail-roots"),
    path("certificates/mail/<int:pk>/remove/", root_pages.remove, name="mail-root-remove"),
    path("certificates/<int:pk>/remove/", certificates.remove, name="certificate-remove"),
    path("policy/", policy.index, name="policy"),
    path("policy/<str:what>/<int:pk>/remove/", policy.remove, name="policy-remove"),
    path("accounts/", accounts.index, name="accounts"),
    path("accounts/new/", accounts.new, name="account-new"),
    path("accounts/<int:pk>/", accounts.one, name="account"),
    path("accounts/<int:pk>/pop/", accounts.pop, name="account-pop"),
    path("accounts/<int:pk>/held/", accounts.held, name="account-held"),
    path("accounts/<int:pk>/disposable/", accounts.new_disposable, name="disposable-new"),
    path("accounts/<int:pk>/sharing/", sharing.of_account, name="account-sharing"),
    path("accounts/<int:pk>/private/", private.of_account, name="account-private"),
    path("accounts/<int:pk>/private/<str:step>/", private.account_step, name="account-private-step"),
    path("accounts/<int:pk>/delete/", accounts.delete, name="account-delete"),
    path("accounts/<int:pk>/rename/", manyaccounts.rename, name="account-rename"),
    path("accounts/<int:pk>/sign-out/", manyaccounts.sign_out, name="account-sign-out"),
    path("accounts/act/", manyaccounts.act, name="accounts-act"),
    path("accounts/import/", manyaccounts.upload, name="accounts-import"),
    path("accounts/import/<uuid:pk>/", manyaccounts.preview, name="accounts-import-one"),
    path("accounts/deleted/", manyaccounts.deleted, name="accounts-deleted"),
    path("accounts/deleted/<int:pk>/", manyaccounts.undelete, name="account-undelete"),
    path("accounts/<int:pk>/app-passwords/new/", signins.new_app_password, name="app-password-new"),
    path("accounts/<int:pk>/app-passwords/<int:app>/revoke/", signins.revoke, name="app-password-revoke"),
    path("groups/", groups.index, name="groups"),
    path("groups/new/", groups.new, name="group-new"),
    path("groups/<int:pk>/", groups.one, name="group"),
    path("aliases/", aliases.index, name="aliases"),
    path("aliases/new/", aliases.new, name="alias-new"),
    path("aliases/<int:pk>/", aliases.one, name="alias"),
    path("aliases/<int:pk>/delete/", aliases.delete, name="alias-delete"),
    path("sign-ins/", signins.index, name="sign-ins"),
    path("sign-ins/blocks/<slug:pk>/lift/", signins.lift, name="block-lift"),
    path("sign-ins/issuers/new/", signins.new_issuer, name="issuer-new"),
    path("sign-ins/issuers/<int:pk>/", signins.one_issuer, name="issuer"),
    path("sign-ins/issuers/<int:pk>/delete/", signins.delete_issuer, name="issuer-delete"),
    path("queue/", waiting.index, name="queue"),
    path("queue/act/", waiting.act, name="queue-act"),
    path("queue/suppressed/", queue.suppressed, name="queue-suppressed"),
    path("queue/suppressed/lift/", queue.lift, name="queue-lift"),
    path("queue/<int:pk>/", waiting.one, name="recipient"),
    path("queue/<int:pk>/content/", waiting.content, name="recipient-content"),
    path("routes/", queue.index, name="routes"),
    path("routes/new/", queue.new, name="route-new"),
    path("routes/pools/", queue.pools, name="route-pools"),
    path("routes/pools/<int:pk>/", queue.pooled, name="route-pooled"),
    path("routes/pools/<int:pk>/remove/", queue.unpool, name="route-unpool"),
    path("routes/<int:pk>/", queue.one, name="route"),
    path("routes/<int:pk>/delete/", queue.delete, name="route-delete"),
    path("reports/", reports.dmarc, name="reports"),
    path("reports/delivery/", reports.delivery, name="deliverability"),
    path("reports/tls/", reports.tls, name="reports-tls"),
    path("reports/chart.json", reports.chart, name="reports-chart"),
    path("reports/dmarc/<int:pk>/", reports.one_dmarc, name="report-dmarc"),
    path("reports/tls/<int:pk>/", reports.one_tls, name="report-tls"),
    path("webhooks/", webhooks.index, name="webhooks"),
    path("webhooks/new/", webhooks.new, name="webhook-new"),
    path("webhooks/<int:pk>/", webhooks.one, name="webhook"),
    path("webhooks/<int:pk>/act/", webhooks.act, name="webhook-act"),
    path("security/", security.index, name="security"),
    path("security/access/<int:pk>/remove/", security.remove, name="access-remove"),
    path("settings/", support.settings, name="settings"),
    path("health/", support.fares, name="health"),
    path("health/bundle/", support.bundle, name="health-bundle"),
    path("rehearsal/", rehearsals.index, name="rehearsal"),
    path("trace/", trace.index, name="trace"),
    path("trace/<uuid:pk>/", trace.one, name="trace-one"),
    path("trace/<uuid:pk>.txt", trace.text, name="trace-text"),
    path("trace/<uuid:pk>/share/", trace.share, name="trace-share"),
    path("trace/shared/<str:token>/", trace.shared, name="trace-shared"),
    path("audit/", audit.index, name="audit"),
    path("administrators/", administrators.index, name="administrators"),
    path("administrators/new/", administrators.new, name="administrator-new"),
    path("administrators/<int:pk>/", administrators.one, name="administrator"),
    path("administrators/<int:pk>/delete/", administrators.delete, name="administrator-delete"),
    path("tenants/", tenants.index, name="tenants"),
    path("tenants/new/", tenants.new, name="tenant-new"),
    path("tenants/<int:pk>/", tenants.one, name="tenant"),
    path("tenants/<int:pk>/delete/", tenants.delete, name="tenant-delete"),
    path("tokens/", tokens.index, name="tokens"),
    path("tokens/new/", tokens.new, name="token-new"),
    path("tokens/<int:pk>/revoke/", tokens.revoke, name="token-revoke"),
    path("jobs/<uuid:pk>/", jobs.one, name="job"),
    path("jobs/<uuid:pk>.json", jobs.state, name="job-state"),
]

handler404 = "webadmin.outage.not_found"
handler500 = "webadmin.outage.server_error"

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.healthz),
    path("metrics", health.metrics),
    path("api/v1/", include(api)),
    *pages,
]
