//! The blocks and the texts of the standard library: written from the declarations by `cargo run -p admit-stdlib-codegen`. Do not edit: where
//! two branches meet in this file, run it again.

use std::sync::Arc;

use admit_runtime::block::{Block, Registry};

pub mod allow;
pub mod bot_detection;
pub mod breached_password;
pub mod brute_force;
pub mod call_webhook;
pub mod channel_otp_send;
pub mod channel_otp_verify;
pub mod check_mfa_status;
pub mod credential_set;
pub mod delay;
pub mod deny;
pub mod email_validation;
pub mod email_verification;
pub mod finalize;
pub mod identity_create;
pub mod identity_lookup;
pub mod ip_reputation;
pub mod issue_session;
pub mod issue_tokens;
pub mod log_event;
pub mod logout;
pub mod mfa;
pub mod notify;
pub mod password_check;
pub mod password_policy;
pub mod password_recovery_send;
pub mod password_update;
pub mod profile_update;
pub mod refresh_token_validate;
pub mod require_mfa;
pub mod require_mfa_enroll;
pub mod risk_evaluate;
pub mod send_email;
pub mod session_revoke;
pub mod set_custom_claim;
pub mod social_oidc_callback;
pub mod social_oidc_redirect;
pub mod update_user;
pub mod verification_check;
pub mod verification_send;
pub mod webauthn_begin;
pub mod webauthn_finish;

/// What several blocks have.
pub mod shared;

/// The implementation of every block that is declared.
pub fn registry() -> Registry {
    let mut registry = Registry::default();
    for (block, errors) in blocks() {
        registry.add_declared(block, errors);
    }
    registry
}

/// Each with the errors that its declaration names.
fn blocks() -> [(Arc<dyn Block>, &'static [&'static str]); 42] {
    [
        (Arc::new(allow::Allow), &[]),
        (Arc::new(bot_detection::BotDetection), &[]),
        (Arc::new(breached_password::BreachedPassword), &["no_password", "unavailable"]),
        (Arc::new(brute_force::BruteForce), &[]),
        (Arc::new(call_webhook::CallWebhook), &["unexpected_body"]),
        (Arc::new(channel_otp_send::ChannelOtpSend), &["not_configured", "invalid_template", "out_of_range"]),
        (Arc::new(channel_otp_verify::ChannelOtpVerify), &[]),
        (Arc::new(check_mfa_status::CheckMfaStatus), &[]),
        (Arc::new(credential_set::CredentialSet), &["too_many", "not_configured"]),
        (Arc::new(delay::Delay), &["out_of_range"]),
        (Arc::new(deny::Deny), &[]),
        (Arc::new(email_validation::EmailValidation), &["unavailable"]),
        (
            Arc::new(email_verification::EmailVerification),
            &["invalid_address", "invalid_template", "not_configured", "out_of_range"],
        ),
        (Arc::new(finalize::Finalize), &["redirect_refused"]),
        (Arc::new(identity_create::IdentityCreate), &["identifier_taken", "invalid_identifier", "invalid_traits"]),
        (Arc::new(identity_lookup::IdentityLookup), &[]),
        (Arc::new(ip_reputation::IpReputation), &["bad_address", "unknown_feed"]),
        (Arc::new(issue_session::IssueSession), &["invalid_config"]),
        (Arc::new(issue_tokens::IssueTokens), &["invalid_config"]),
        (Arc::new(log_event::LogEvent), &[]),
        (Arc::new(logout::Logout), &[]),
        (Arc::new(mfa::Mfa), &["not_configured", "invalid_template"]),
        (Arc::new(notify::Notify), &["invalid_address", "invalid_template", "not_configured"]),
        (Arc::new(password_check::PasswordCheck), &[]),
        (Arc::new(password_policy::PasswordPolicy), &["no_password"]),
        (
            Arc::new(password_recovery_send::PasswordRecoverySend),
            &["invalid_template", "not_configured", "out_of_range"],
        ),
        (Arc::new(password_update::PasswordUpdate), &[]),
        (Arc::new(profile_update::ProfileUpdate), &["no_user", "invalid_traits"]),
        (Arc::new(refresh_token_validate::RefreshTokenValidate), &[]),
        (Arc::new(require_mfa::RequireMfa), &["not_configured", "invalid_template"]),
        (Arc::new(require_mfa_enroll::RequireMfaEnroll), &["too_many", "not_configured", "invalid_template"]),
        (Arc::new(risk_evaluate::RiskEvaluate), &["unavailable"]),
        (Arc::new(send_email::SendEmail), &["invalid_address", "invalid_template", "not_configured"]),
        (Arc::new(session_revoke::SessionRevoke), &["no_user"]),
        (Arc::new(set_custom_claim::SetCustomClaim), &["claim_too_large"]),
        (Arc::new(social_oidc_callback::SocialOidcCallback), &["unknown_provider", "provider_failed"]),
        (Arc::new(social_oidc_redirect::SocialOidcRedirect), &["unknown_provider", "provider_failed"]),
        (Arc::new(update_user::UpdateUser), &["no_user", "invalid_identifier", "identifier_taken"]),
        (Arc::new(verification_check::VerificationCheck), &[]),
        (
            Arc::new(verification_send::VerificationSend),
            &["not_configured", "invalid_template", "invalid_url", "out_of_range"],
        ),
        (Arc::new(webauthn_begin::WebauthnBegin), &["not_configured"]),
        (Arc::new(webauthn_finish::WebauthnFinish), &["not_configured", "not_begun"]),
    ]
}

/// The declarations: name (shown in messages) and text of each file, in the order in which the compiler reads them.
pub const SOURCES: &[(&str, &str)] = &[
    ("stdlib/event.admit", include_str!("../event.admit")),
    ("stdlib/session.admit", include_str!("../session.admit")),
    ("stdlib/auth/channel_otp_send.admit", include_str!("../auth/channel_otp_send.admit")),
    ("stdlib/auth/channel_otp_verify.admit", include_str!("../auth/channel_otp_verify.admit")),
    ("stdlib/auth/check_mfa_status.admit", include_str!("../auth/check_mfa_status.admit")),
    ("stdlib/auth/credential_set.admit", include_str!("../auth/credential_set.admit")),
    ("stdlib/auth/mfa.admit", include_str!("../auth/mfa.admit")),
    ("stdlib/auth/password_check.admit", include_str!("../auth/password_check.admit")),
    ("stdlib/auth/password_update.admit", include_str!("../auth/password_update.admit")),
    ("stdlib/auth/require_mfa.admit", include_str!("../auth/require_mfa.admit")),
    ("stdlib/auth/require_mfa_enroll.admit", include_str!("../auth/require_mfa_enroll.admit")),
    ("stdlib/auth/webauthn_begin.admit", include_str!("../auth/webauthn_begin.admit")),
    ("stdlib/auth/webauthn_finish.admit", include_str!("../auth/webauthn_finish.admit")),
    ("stdlib/control/set_custom_claim.admit", include_str!("../control/set_custom_claim.admit")),
    ("stdlib/flows/login.admit", include_str!("../flows/login.admit")),
    ("stdlib/flows/logout.admit", include_str!("../flows/logout.admit")),
    ("stdlib/flows/mfa-enrol.admit", include_str!("../flows/mfa-enrol.admit")),
    ("stdlib/flows/mfa-verify.admit", include_str!("../flows/mfa-verify.admit")),
    ("stdlib/flows/password-reset-complete.admit", include_str!("../flows/password-reset-complete.admit")),
    ("stdlib/flows/password-reset.admit", include_str!("../flows/password-reset.admit")),
    ("stdlib/flows/registration.admit", include_str!("../flows/registration.admit")),
    ("stdlib/flows/token-refresh.admit", include_str!("../flows/token-refresh.admit")),
    ("stdlib/identity/email_verification.admit", include_str!("../identity/email_verification.admit")),
    ("stdlib/identity/identity_create.admit", include_str!("../identity/identity_create.admit")),
    ("stdlib/identity/identity_lookup.admit", include_str!("../identity/identity_lookup.admit")),
    ("stdlib/identity/profile_update.admit", include_str!("../identity/profile_update.admit")),
    ("stdlib/identity/update_user.admit", include_str!("../identity/update_user.admit")),
    ("stdlib/identity/verification_check.admit", include_str!("../identity/verification_check.admit")),
    ("stdlib/identity/verification_send.admit", include_str!("../identity/verification_send.admit")),
    ("stdlib/notification/call_webhook.admit", include_str!("../notification/call_webhook.admit")),
    ("stdlib/notification/delay.admit", include_str!("../notification/delay.admit")),
    ("stdlib/notification/log_event.admit", include_str!("../notification/log_event.admit")),
    ("stdlib/notification/notify.admit", include_str!("../notification/notify.admit")),
    ("stdlib/notification/password_recovery_send.admit", include_str!("../notification/password_recovery_send.admit")),
    ("stdlib/notification/send_email.admit", include_str!("../notification/send_email.admit")),
    ("stdlib/risk/bot_detection.admit", include_str!("../risk/bot_detection.admit")),
    ("stdlib/risk/breached_password.admit", include_str!("../risk/breached_password.admit")),
    ("stdlib/risk/brute_force.admit", include_str!("../risk/brute_force.admit")),
    ("stdlib/risk/email_validation.admit", include_str!("../risk/email_validation.admit")),
    ("stdlib/risk/ip_reputation.admit", include_str!("../risk/ip_reputation.admit")),
    ("stdlib/risk/password_policy.admit", include_str!("../risk/password_policy.admit")),
    ("stdlib/risk/risk_evaluate.admit", include_str!("../risk/risk_evaluate.admit")),
    ("stdlib/session/finalize.admit", include_str!("../session/finalize.admit")),
    ("stdlib/session/issue_session.admit", include_str!("../session/issue_session.admit")),
    ("stdlib/session/issue_tokens.admit", include_str!("../session/issue_tokens.admit")),
    ("stdlib/session/logout.admit", include_str!("../session/logout.admit")),
    ("stdlib/session/refresh_token_validate.admit", include_str!("../session/refresh_token_validate.admit")),
    ("stdlib/session/session_revoke.admit", include_str!("../session/session_revoke.admit")),
    ("stdlib/session/social_oidc_callback.admit", include_str!("../session/social_oidc_callback.admit")),
    ("stdlib/session/social_oidc_redirect.admit", include_str!("../session/social_oidc_redirect.admit")),
    ("stdlib/terminal/allow.admit", include_str!("../terminal/allow.admit")),
    ("stdlib/terminal/deny.admit", include_str!("../terminal/deny.admit")),
];

/// The default flows: what stands where a project has no system flow of their name.
pub const DEFAULTS: &[(&str, &str)] = &[
    ("stdlib/flows/defaults/login.admit", include_str!("../flows/defaults/login.admit")),
    ("stdlib/flows/defaults/logout.admit", include_str!("../flows/defaults/logout.admit")),
    ("stdlib/flows/defaults/mfa-enrol.admit", include_str!("../flows/defaults/mfa-enrol.admit")),
    ("stdlib/flows/defaults/mfa-verify.admit", include_str!("../flows/defaults/mfa-verify.admit")),
    (
        "stdlib/flows/defaults/password-reset-complete.admit",
        include_str!("../flows/defaults/password-reset-complete.admit"),
    ),
    ("stdlib/flows/defaults/password-reset.admit", include_str!("../flows/defaults/password-reset.admit")),
    ("stdlib/flows/defaults/registration.admit", include_str!("../flows/defaults/registration.admit")),
    ("stdlib/flows/defaults/token-refresh.admit", include_str!("../flows/defaults/token-refresh.admit")),
];

/// The pages beside the declarations: path and text, a title first.
pub const PAGES: &[(&str, &str)] = &[
    ("stdlib/auth/channel_otp_send.md", include_str!("../auth/channel_otp_send.md")),
    ("stdlib/auth/channel_otp_verify.md", include_str!("../auth/channel_otp_verify.md")),
    ("stdlib/auth/check_mfa_status.md", include_str!("../auth/check_mfa_status.md")),
    ("stdlib/auth/credential_set.md", include_str!("../auth/credential_set.md")),
    ("stdlib/auth/mfa.md", include_str!("../auth/mfa.md")),
    ("stdlib/auth/password_check.md", include_str!("../auth/password_check.md")),
    ("stdlib/auth/password_update.md", include_str!("../auth/password_update.md")),
    ("stdlib/auth/require_mfa.md", include_str!("../auth/require_mfa.md")),
    ("stdlib/auth/require_mfa_enroll.md", include_str!("../auth/require_mfa_enroll.md")),
    ("stdlib/auth/webauthn_begin.md", include_str!("../auth/webauthn_begin.md")),
    ("stdlib/auth/webauthn_finish.md", include_str!("../auth/webauthn_finish.md")),
    ("stdlib/control/condition.md", include_str!("../control/condition.md")),
    ("stdlib/control/decision.md", include_str!("../control/decision.md")),
    ("stdlib/control/run_custom_action.md", include_str!("../control/run_custom_action.md")),
    ("stdlib/control/run_custom_flow.md", include_str!("../control/run_custom_flow.md")),
    ("stdlib/control/set_custom_claim.md", include_str!("../control/set_custom_claim.md")),
    ("stdlib/identity/email_verification.md", include_str!("../identity/email_verification.md")),
    ("stdlib/identity/identity_create.md", include_str!("../identity/identity_create.md")),
    ("stdlib/identity/identity_lookup.md", include_str!("../identity/identity_lookup.md")),
    ("stdlib/identity/profile_update.md", include_str!("../identity/profile_update.md")),
    ("stdlib/identity/update_user.md", include_str!("../identity/update_user.md")),
    ("stdlib/identity/verification_check.md", include_str!("../identity/verification_check.md")),
    ("stdlib/identity/verification_send.md", include_str!("../identity/verification_send.md")),
    ("stdlib/notification/call_webhook.md", include_str!("../notification/call_webhook.md")),
    ("stdlib/notification/delay.md", include_str!("../notification/delay.md")),
    ("stdlib/notification/log_event.md", include_str!("../notification/log_event.md")),
    ("stdlib/notification/notify.md", include_str!("../notification/notify.md")),
    ("stdlib/notification/password_recovery_send.md", include_str!("../notification/password_recovery_send.md")),
    ("stdlib/notification/send_email.md", include_str!("../notification/send_email.md")),
    ("stdlib/risk/bot_detection.md", include_str!("../risk/bot_detection.md")),
    ("stdlib/risk/breached_password.md", include_str!("../risk/breached_password.md")),
    ("stdlib/risk/brute_force.md", include_str!("../risk/brute_force.md")),
    ("stdlib/risk/email_validation.md", include_str!("../risk/email_validation.md")),
    ("stdlib/risk/ip_reputation.md", include_str!("../risk/ip_reputation.md")),
    ("stdlib/risk/password_policy.md", include_str!("../risk/password_policy.md")),
    ("stdlib/risk/risk_evaluate.md", include_str!("../risk/risk_evaluate.md")),
    ("stdlib/session/finalize.md", include_str!("../session/finalize.md")),
    ("stdlib/session/issue_session.md", include_str!("../session/issue_session.md")),
    ("stdlib/session/issue_tokens.md", include_str!("../session/issue_tokens.md")),
    ("stdlib/session/logout.md", include_str!("../session/logout.md")),
    ("stdlib/session/refresh_token_validate.md", include_str!("../session/refresh_token_validate.md")),
    ("stdlib/session/session_revoke.md", include_str!("../session/session_revoke.md")),
    ("stdlib/session/social_oidc_callback.md", include_str!("../session/social_oidc_callback.md")),
    ("stdlib/session/social_oidc_redirect.md", include_str!("../session/social_oidc_redirect.md")),
    ("stdlib/terminal/allow.md", include_str!("../terminal/allow.md")),
    ("stdlib/terminal/deny.md", include_str!("../terminal/deny.md")),
];

/// The Action templates: path and text of each declaration, `templates/<slug>/<version>/action.admit`, and its source.
pub const TEMPLATES: &[(&str, &str)] = &[
    (
        "stdlib/templates/block-by-risk-score/1.0.0/action.admit",
        include_str!("../templates/block-by-risk-score/1.0.0/action.admit"),
    ),
    (
        "stdlib/templates/block-by-risk-score/1.0.0/action.ts",
        include_str!("../templates/block-by-risk-score/1.0.0/action.ts"),
    ),
    (
        "stdlib/templates/decorate-token/1.0.0/action.admit",
        include_str!("../templates/decorate-token/1.0.0/action.admit"),
    ),
    ("stdlib/templates/decorate-token/1.0.0/action.ts", include_str!("../templates/decorate-token/1.0.0/action.ts")),
    (
        "stdlib/templates/demand-mfa-by-risk-score/1.0.0/action.admit",
        include_str!("../templates/demand-mfa-by-risk-score/1.0.0/action.admit"),
    ),
    (
        "stdlib/templates/demand-mfa-by-risk-score/1.0.0/action.ts",
        include_str!("../templates/demand-mfa-by-risk-score/1.0.0/action.ts"),
    ),
    (
        "stdlib/templates/domain-allowlist/1.0.0/action.admit",
        include_str!("../templates/domain-allowlist/1.0.0/action.admit"),
    ),
    (
        "stdlib/templates/domain-allowlist/1.0.0/action.ts",
        include_str!("../templates/domain-allowlist/1.0.0/action.ts"),
    ),
    (
        "stdlib/templates/domain-blocklist/1.0.0/action.admit",
        include_str!("../templates/domain-blocklist/1.0.0/action.admit"),
    ),
    (
        "stdlib/templates/domain-blocklist/1.0.0/action.ts",
        include_str!("../templates/domain-blocklist/1.0.0/action.ts"),
    ),
    (
        "stdlib/templates/rate-limit-by-ip/1.0.0/action.admit",
        include_str!("../templates/rate-limit-by-ip/1.0.0/action.admit"),
    ),
    (
        "stdlib/templates/rate-limit-by-ip/1.0.0/action.ts",
        include_str!("../templates/rate-limit-by-ip/1.0.0/action.ts"),
    ),
    (
        "stdlib/templates/rate-limit-by-user/1.0.0/action.admit",
        include_str!("../templates/rate-limit-by-user/1.0.0/action.admit"),
    ),
    (
        "stdlib/templates/rate-limit-by-user/1.0.0/action.ts",
        include_str!("../templates/rate-limit-by-user/1.0.0/action.ts"),
    ),
    (
        "stdlib/templates/redirect-by-group/1.0.0/action.admit",
        include_str!("../templates/redirect-by-group/1.0.0/action.admit"),
    ),
    (
        "stdlib/templates/redirect-by-group/1.0.0/action.ts",
        include_str!("../templates/redirect-by-group/1.0.0/action.ts"),
    ),
    ("stdlib/templates/slack-notify/1.0.0/action.admit", include_str!("../templates/slack-notify/1.0.0/action.admit")),
    ("stdlib/templates/slack-notify/1.0.0/action.ts", include_str!("../templates/slack-notify/1.0.0/action.ts")),
    ("stdlib/templates/webhook-emit/1.0.0/action.admit", include_str!("../templates/webhook-emit/1.0.0/action.admit")),
    ("stdlib/templates/webhook-emit/1.0.0/action.ts", include_str!("../templates/webhook-emit/1.0.0/action.ts")),
];
