//! The Action templates as text: ordinary Actions, for the compiler to take where a project has none of their slug.

/// Path and text of each file: `stdlib/templates/<slug>/<version>/action.admit` and its source beside it.
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
