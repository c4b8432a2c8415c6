"""Addresses of the portal's frame, of Configure > Integrations and of API keys."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.urls import path, register_converter

from integrations.connect.views import flow as connect_views
from integrations.connect.views import give as connect_give_views
from integrations.connect.views import testing as connection_test_views
from integrations.connect.views import tiles as views
from integrations.entry.account import factor_views, passkey_views
from integrations.entry.account import key_views as api_key_views
from integrations.entry.account import views as account_views
from integrations.entry.members import accept_views
from integrations.entry.members import sign_in_views as member_sign_in_views
from integrations.entry.members import views as member_views
from integrations.entry.second_factor import sign_in_views
from integrations.entry.second_factor.passkey_sign_in_views import PasskeySignIn, passkey_challenge
from integrations.entry.second_factor.signing_in import SignIn
from integrations.entry.sign_in import sign_in_guarded
from integrations.entry.single_sign_on import views as sign_on_views
from integrations.models.connection_name import ConnectionNameConverter
from integrations.projects import settings_views as project_settings_views
from integrations.projects.frame import views as project_views

register_converter(ConnectionNameConverter, "connection")
_LOGIN = SignIn.as_view()
_PROJECT = "p/<str:project_id>/"
_MEMBERS = f"{_PROJECT}settings/members/"
_INVITATION = f"{_MEMBERS}invitations/<str:invitation_id>/"
_TILE = f"{_PROJECT}integrations/<str:environment>/<connection:connection>/"

urlpatterns = [
    path("", project_views.home, name="home"),
    path("login/", sign_in_guarded(_LOGIN, "portal"), name="login"),
    path("login/code/", sign_in_views.sign_in_code, name="sign_in_code"),
    path("login/single-sign-on/", sign_on_views.single_sign_on, name="single_sign_on"),
    path(
        "login/single-sign-on/back/", sign_on_views.single_sign_on_back, name="single_sign_on_back"
    ),
    path("login/passkey/", PasskeySignIn.as_view(), name="passkey_sign_in"),
    path("login/passkey/challenge/", passkey_challenge, name="passkey_challenge"),
    path("account/", account_views.account, name="account"),
    path("account/confirm/", account_views.confirm, name="confirm"),
    path("account/active/", account_views.active, name="account_active"),
    path(
        "account/password/",
        login_required(account_views.PasswordChange.as_view()),
        name="password_change",
    ),
    path(
        "account/sessions/<int:session_id>/end/",
        account_views.own_session_end,
        name="own_session_end",
    ),
    path(
        "account/sessions/end-others/",
        account_views.own_sessions_end_others,
        name="own_sessions_end_others",
    ),
    path("account/second-factor/", factor_views.factor_set_up, name="second_factor"),
    path(
        "account/second-factor/confirm/",
        factor_views.factor_confirmed,
        name="second_factor_confirm",
    ),
    path("account/second-factor/codes/", factor_views.factor_codes, name="second_factor_codes"),
    path("account/second-factor/off/", factor_views.factor_off, name="second_factor_off"),
    path("account/passkeys/", passkey_views.passkey_save, name="passkey_save"),
    path("account/passkeys/new/", passkey_views.passkey_new, name="passkey_new"),
    path("account/passkeys/<int:passkey_id>/", passkey_views.passkey, name="passkey"),
    path(
        "account/passkeys/<int:passkey_id>/remove/",
        passkey_views.passkey_end,
        name="passkey_remove",
    ),
    path("login/single-sign-on/out/", sign_on_views.sign_out_there, name="sign_out_there"),
    path("logout/", sign_on_views.SignOut.as_view(), name="logout"),
    path("theme/", project_views.theme_set, name="theme"),
    path("keys/", project_views.keys_set, name="keys"),
    path("projects/new/", project_views.project_create, name="project_create"),
    path("invitations/<str:token>/", accept_views.invitation_page, name="invitation_accept"),
    path(f"{_PROJECT}integrations/", views.integrations, name="integrations"),
    path(_TILE, views.integration, name="integration"),
    path(f"{_TILE}sets/", views.credential_set_add, name="credential_set_add"),
    path(f"{_TILE}audit.csv", views.audit, name="integration_audit"),
    path(f"{_TILE}enable/", views.enable, name="integration_enable"),
    path(f"{_TILE}disable/", views.disable, name="integration_disable"),
    path(f"{_TILE}connect/before/", connect_views.connect_before, name="connect_before"),
    path(f"{_TILE}connect/give/", connect_give_views.connect_give, name="connect_give"),
    path(f"{_TILE}connect/values/", connect_views.connect_values, name="connect_values"),
    path(f"{_TILE}connect/copy/", connect_views.connect_copy, name="connect_copy"),
    path(f"{_TILE}connect/test/", connect_views.connect_test, name="connect_test"),
    path(
        f"{_TILE}connect/test/run/",
        connection_test_views.connect_test_run,
        name="connect_test_run",
    ),
    path(f"{_TILE}connect/save/", connect_views.connect_save, name="connect_save"),
    path(f"{_TILE}connect/behaviour/", connect_views.connect_behaviour, name="connect_behaviour"),
    path(
        f"{_PROJECT}settings/project/",
        project_settings_views.project_settings,
        name="project_settings",
    ),
    path(f"{_PROJECT}settings/members/", member_views.members, name="members"),
    path(f"{_MEMBERS}export/", member_views.members_export, name="members_export"),
    path(f"{_MEMBERS}invite/", member_views.invitation_send, name="invitation_send"),
    path(f"{_INVITATION}again/", member_views.invitation_again, name="invitation_again"),
    path(f"{_INVITATION}revoke/", member_views.invitation_end, name="invitation_revoke"),
    path(f"{_MEMBERS}<int:member_id>/", member_views.member, name="member"),
    path(f"{_MEMBERS}<int:member_id>/remove/", member_views.member_end, name="member_remove"),
    path(
        f"{_MEMBERS}<int:member_id>/reset-second-factor/",
        member_sign_in_views.member_reset,
        name="member_factor_reset",
    ),
    path(
        f"{_MEMBERS}<int:member_id>/unlock/",
        member_sign_in_views.member_unlocked,
        name="member_unlock",
    ),
    path(
        f"{_MEMBERS}<int:member_id>/sign-out/",
        member_sign_in_views.member_sign_out,
        name="member_sign_out",
    ),
    path(f"{_MEMBERS}sign-in-rules/", member_sign_in_views.sign_in_rules, name="sign_in_rules"),
    path(f"{_PROJECT}api-keys/", api_key_views.api_keys, name="api_keys"),
    path(
        f"{_PROJECT}api-keys/<int:key_id>/rotate/",
        api_key_views.api_key_renew,
        name="api_key_rotate",
    ),
    path(
        f"{_PROJECT}api-keys/<int:key_id>/revoke/", api_key_views.api_key_end, name="api_key_revoke"
    ),
]
