//! The secret scanner's rules, one line of thought each: what stands near it, how it looks, how random it must be.
//!
//! A rule is tried on a file only when one of its keywords is in it (whatever the case; all keywords of all rules are
//! looked for in one pass), or always where it has none, which only rules about files of one name may. Group 1 of the
//! pattern is the secret. Of two rules that match the same place the earlier one is reported, so the exact ones come
//! first. The formats are the ones that the issuers document, or that their tokens have had for years.

use layergate_model::Severity::{self, Critical, High, Low, Medium};

/// In which of the files that are read a rule is tried.
#[derive(Clone, Copy)]
pub(super) enum In {
    /// All of them.
    Any,
    /// Not in programs and data.
    Settings,
    /// Files of these names.
    Named(&'static [&'static str]),
}

/// One rule.
pub(super) struct SecretRule {
    /// Its id, for policies and exceptions.
    pub(super) id: &'static str,
    /// What it finds.
    pub(super) title: &'static str,
    /// How bad that is.
    pub(super) severity: Severity,
    /// Where it is tried.
    pub(super) scope: In,
    /// One of them is in every file that can match.
    pub(super) keywords: &'static [&'static str],
    /// The pattern, on bytes.
    pub(super) pattern: &'static str,
    /// The least Shannon entropy of the secret, in bits a character.
    pub(super) entropy: f32,
}

/// A token that says what it is, wherever it stands: random enough not to be a mask like `ghp_xxxx…`.
const fn token(
    id: &'static str,
    title: &'static str,
    severity: Severity,
    keywords: &'static [&'static str],
    pattern: &'static str,
) -> SecretRule {
    SecretRule { id, title, severity, scope: In::Any, keywords, pattern, entropy: 3.0 }
}

/// The rules.
pub(super) static RULES: &[SecretRule] = &[
    // Clouds.
    token(
        "aws-access-key-id",
        "AWS access key id",
        High,
        &["akia", "asia", "abia", "acca"],
        r"\b((?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16})\b",
    ),
    SecretRule {
        id: "aws-secret-access-key",
        title: "AWS secret access key",
        severity: Critical,
        scope: In::Any,
        keywords: &["secret_access_key", "secretaccesskey", "secret_key", "secretkey"],
        pattern: r#"(?i)secret_?(?:access_?)?key["']?\s{0,8}(?:=>|=|:)\s{0,8}["']?([a-z0-9/+]{40})(?:[^a-z0-9/+=]|$)"#,
        entropy: 4.0,
    },
    token(
        "gcp-service-account",
        "Private key of a Google Cloud service account",
        Critical,
        &["service_account"],
        r#""private_key"\s{0,8}:\s{0,8}"-----BEGIN (?:RSA )?PRIVATE KEY-----\\n([A-Za-z0-9+/=]{40})"#,
    ),
    token("google-api-key", "Google API key", Medium, &["aiza"], r"\b(AIza[0-9A-Za-z_-]{35})"),
    token("google-oauth-secret", "Google OAuth client secret", High, &["gocspx-"], r"\b(GOCSPX-[0-9A-Za-z_-]{28})"),
    token(
        "azure-storage-key",
        "Azure storage account key",
        Critical,
        &["accountkey"],
        r"(?i)AccountKey\s{0,4}=\s{0,4}([a-z0-9+/]{86}==)",
    ),
    token(
        "azure-client-secret",
        "Azure application's client secret",
        High,
        &["q~"],
        r"\b([0-9A-Za-z_~.]{3}[0-9]Q~[0-9A-Za-z_~.-]{31,34})",
    ),
    token("alibaba-access-key-id", "Alibaba Cloud access key id", High, &["ltai"], r"\b(LTAI[0-9A-Za-z]{17,21})\b"),
    token(
        "digitalocean-token",
        "DigitalOcean token",
        Critical,
        &["dop_v1_", "doo_v1_", "dor_v1_"],
        r"\b(do[opr]_v1_[0-9a-f]{64})\b",
    ),
    token(
        "terraform-cloud-token",
        "HCP Terraform token",
        High,
        &[".atlasv1."],
        r"\b([0-9A-Za-z]{14}\.atlasv1\.[0-9A-Za-z_-]{60,70})",
    ),
    token("vault-token", "Vault token", High, &["hvs.", "hvb."], r"\b(hv[sb]\.[0-9A-Za-z_-]{24,})"),
    token("databricks-token", "Databricks token", High, &["dapi"], r"\b(dapi[0-9a-f]{32})\b"),
    // Code and packages.
    token(
        "github-token",
        "GitHub token",
        Critical,
        &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"],
        r"\b(gh[pousr]_[0-9A-Za-z]{36,255})\b",
    ),
    token(
        "github-fine-grained-token",
        "GitHub fine-grained token",
        Critical,
        &["github_pat_"],
        r"\b(github_pat_[0-9A-Za-z]{22}_[0-9A-Za-z]{59})\b",
    ),
    token(
        "gitlab-token",
        "GitLab token",
        Critical,
        &["glpat-", "glptt-", "gldt-", "glrt-", "glcbt-", "glsoat-"],
        r"\b(gl(?:pat|ptt|dt|rt|cbt|soat)-[0-9A-Za-z_-]{20,64})",
    ),
    token("npm-token", "npm token", Critical, &["npm_"], r"\b(npm_[0-9A-Za-z]{36})\b"),
    SecretRule {
        id: "npmrc-auth",
        title: "Credentials of an npm registry",
        severity: High,
        scope: In::Named(&[".npmrc", ".yarnrc", ".yarnrc.yml"]),
        keywords: &["_auth", "_password", "npmauthtoken"],
        pattern: r#"(?i)(?:_auth(?:token)?|_password|npmauthtoken)["']?\s{0,4}[=:]\s{0,4}["']?([a-z0-9+/=_.-]{12,})"#,
        entropy: 2.5,
    },
    token("pypi-token", "PyPI token", Critical, &["pypi-ag"], r"\b(pypi-Ag[0-9A-Za-z_-]{50,})"),
    token("rubygems-token", "RubyGems token", Critical, &["rubygems_"], r"\b(rubygems_[0-9a-f]{48})\b"),
    token("docker-hub-token", "Docker Hub token", Critical, &["dckr_pat_"], r"\b(dckr_pat_[0-9A-Za-z_-]{20,})"),
    SecretRule {
        id: "docker-config-auth",
        title: "Registry credentials in a Docker configuration",
        severity: High,
        scope: In::Any,
        keywords: &["\"auths\"", ".docker", "\"auth\""],
        pattern: r#""auth"\s{0,8}:\s{0,8}"([A-Za-z0-9+/]{8,}={0,2})""#,
        entropy: 2.5,
    },
    token("atlassian-token", "Atlassian token", High, &["atatt3"], r"\b(ATATT3[0-9A-Za-z_=-]{100,})"),
    // Payment, mail, chat.
    token(
        "stripe-secret-key",
        "Stripe live key",
        Critical,
        &["sk_live_", "rk_live_"],
        r"\b([sr]k_live_[0-9A-Za-z]{16,247})\b",
    ),
    token(
        "shopify-token",
        "Shopify token",
        High,
        &["shpat_", "shpca_", "shppa_", "shpss_"],
        r"\b(shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32})\b",
    ),
    token("sendgrid-key", "SendGrid API key", High, &["sg."], r"\b(SG\.[0-9A-Za-z_-]{16,32}\.[0-9A-Za-z_-]{32,64})"),
    token("mailgun-key", "Mailgun API key", High, &["mailgun"], r"\b(key-[0-9a-f]{32})\b"),
    token("twilio-key", "Twilio API key", High, &["twilio"], r"\b(SK[0-9a-f]{32})\b"),
    token(
        "twilio-auth-token",
        "Twilio auth token",
        High,
        &["twilio"],
        r#"(?i)twilio[a-z0-9_.-]{0,40}["']?\s{0,4}[:=]\s{0,4}["']?([0-9a-f]{32})\b"#,
    ),
    token(
        "slack-token",
        "Slack token",
        High,
        &["xoxa-", "xoxb-", "xoxe-", "xoxo-", "xoxp-", "xoxr-", "xoxs-", "xapp-"],
        r"\b((?:xox[abeoprs]|xapp)-[0-9A-Za-z-]{24,250})",
    ),
    token(
        "slack-webhook",
        "Slack webhook",
        Medium,
        &["hooks.slack.com"],
        r"(https://hooks\.slack\.com/(?:services|workflows|triggers)/[0-9A-Za-z+/]{40,60})",
    ),
    token(
        "discord-webhook",
        "Discord webhook",
        Medium,
        &["/api/webhooks/"],
        r"(https://discord(?:app)?\.com/api/webhooks/[0-9]{16,20}/[0-9A-Za-z_-]{60,})",
    ),
    token("telegram-bot-token", "Telegram bot token", High, &[":aa"], r"\b([0-9]{8,10}:AA[0-9A-Za-z_-]{33})\b"),
    // Models and monitoring.
    token("anthropic-key", "Anthropic API key", High, &["sk-ant-"], r"\b(sk-ant-[0-9A-Za-z_-]{40,})"),
    token(
        "openai-key",
        "OpenAI API key",
        High,
        &["sk-proj-", "sk-svcacct-", "sk-admin-", "t3blbkfj"],
        r"\b(sk-(?:(?:proj|svcacct|admin)-[0-9A-Za-z_-]{40,}|[0-9A-Za-z]{20}T3BlbkFJ[0-9A-Za-z]{20}))",
    ),
    token("hugging-face-token", "Hugging Face token", High, &["hf_"], r"\b(hf_[A-Za-z]{34})\b"),
    token(
        "grafana-token",
        "Grafana service account token",
        High,
        &["glsa_"],
        r"\b(glsa_[0-9A-Za-z]{32}_[0-9A-Fa-f]{8})\b",
    ),
    token("new-relic-key", "New Relic user key", High, &["nrak-"], r"\b(NRAK-[0-9A-Z]{27})\b"),
    token("postman-key", "Postman API key", High, &["pmak-"], r"\b(PMAK-[0-9a-f]{24}-[0-9a-f]{34})\b"),
    // Keys.
    token("age-secret-key", "age identity", High, &["age-secret-key-1"], r"\b(AGE-SECRET-KEY-1[0-9A-Z]{58})\b"),
    token(
        "kubeconfig-client-key",
        "Client key in a kubeconfig",
        Critical,
        &["client-key-data"],
        r#"client-key-data["']?\s{0,4}:\s{0,4}["']?(LS0tLS1CRUdJTi[0-9A-Za-z+/=]{40,})"#,
    ),
    token(
        "encrypted-private-key",
        "Private key, encrypted with a password",
        Low,
        &["private key-----"],
        r#"-----BEGIN (?:ENCRYPTED PRIVATE KEY-----|(?:[A-Z0-9]{1,16} ){0,3}PRIVATE KEY-----\s{1,4}Proc-Type: 4,ENCRYPTED)[^"'`]{0,200}?([A-Za-z0-9+/]{40})"#,
    ),
    SecretRule {
        id: "private-key",
        title: "Private key",
        severity: High,
        scope: In::Any,
        keywords: &["private key-----", "private key block-----"],
        pattern: r#"-----BEGIN (?:[A-Z0-9]{1,16} ){0,3}PRIVATE KEY(?: BLOCK)?-----[^"'`]{0,300}?([A-Za-z0-9+/]{40})"#,
        // The first forty characters of a key are mostly the same in all keys.
        entropy: 2.5,
    },
    SecretRule {
        id: "json-web-token",
        title: "Signed JSON web token",
        severity: Medium,
        scope: In::Settings,
        keywords: &["eyj"],
        pattern: r"\b(eyJ[0-9A-Za-z_-]{10,}\.eyJ[0-9A-Za-z_-]{10,}\.[0-9A-Za-z_-]{20,})",
        entropy: 4.0,
    },
    // Passwords where they always stand.
    SecretRule {
        id: "url-password",
        title: "Password in the address of a service",
        severity: Medium,
        scope: In::Settings,
        keywords: &["postgres", "mysql://", "mariadb://", "mongodb", "redis", "amqp", "nats://", "ftp://", "smtp"],
        pattern: r#"(?i)\b(?:postgres(?:ql)?|mysql|mariadb|mongodb(?:\+srv)?|rediss?|amqps?|nats|s?ftp|smtps?)(?:\+[a-z0-9]{1,20})?://[^\s:/@"'<>{}$]{0,80}:([^\s:/@"'<>{}$]{6,200})@[a-z0-9\[]"#,
        entropy: 2.0,
    },
    SecretRule {
        id: "http-password",
        title: "Password in an address",
        severity: High,
        scope: In::Named(&[".git-credentials", "pip.conf", "config", ".npmrc", ".env"]),
        keywords: &["http://", "https://"],
        pattern: r#"(?i)\bhttps?://[^\s:/@"'<>{}$]{1,80}:([^\s:/@"'<>{}$]{4,200})@[a-z0-9\[]"#,
        entropy: 1.5,
    },
    SecretRule {
        id: "netrc-password",
        title: "Password in .netrc",
        severity: High,
        scope: In::Named(&[".netrc", "_netrc"]),
        keywords: &["password"],
        pattern: r"\bpassword\s+(\S{3,200})",
        entropy: 1.0,
    },
    SecretRule {
        id: "pgpass-password",
        title: "Password in .pgpass",
        severity: High,
        scope: In::Named(&[".pgpass"]),
        keywords: &[],
        pattern: r"(?m)^[^#:\s][^:\n]{0,250}:[^:\n]{0,10}:[^:\n]{0,250}:[^:\n]{0,250}:([^\r\n]{3,200})$",
        entropy: 1.0,
    },
    SecretRule {
        id: "pypirc-password",
        title: "Password of a Python index",
        severity: High,
        scope: In::Named(&[".pypirc"]),
        keywords: &["password"],
        pattern: r"(?m)^\s*password\s*[=:]\s*(\S{4,300})",
        entropy: 1.5,
    },
];
