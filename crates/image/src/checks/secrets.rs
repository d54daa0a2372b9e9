//! `secret-in-config`: a secret in the environment, the labels or the history (CIS Docker 4.10).
//!
//! A value is a secret when it looks like one of the well-known tokens, is an address with a password in it, or has a
//! name that says so (`DB_PASSWORD`) and a value that is neither empty nor a reference. Only first and last characters
//! are ever shown. Steps of the history are searched word by word for `NAME=value`, which is how `ARG` and `ENV` and
//! the build arguments of `RUN` stand there.

use layergate_model::Severity;

use super::{Hit, Rule, Subject};

pub(super) const RULE: Rule = Rule {
    id: "secret-in-config",
    title: "A secret is in the image's configuration",
    reason: "Whoever can pull the image, or list containers, reads it; it also stays in every copy.",
    remediation: "Revoke the secret, remove it from the Dockerfile, and hand it over at run time or as a build secret \
                  (RUN --mount=type=secret).",
    severity: Severity::High,
    find,
};

/// Longer texts are cut: a config is bounded, but one step may be a script of a megabyte.
const MAX_TEXT: usize = 64 * 1024;

fn find(subject: &Subject<'_>) -> Vec<Hit> {
    let Some(config) = subject.config else { return Vec::new() };
    let mut hits = Vec::new();
    let mut look = |location: String, name: &str, value: &str| {
        if is_secret(name, value) {
            let name: String = name.chars().take(80).collect();
            let shown = if name.is_empty() { redact(value) } else { format!("{name}={}", redact(value)) };
            hits.push(Hit::at(location).saying(shown));
        }
    };
    for variable in &config.config.env {
        let (name, value) = variable.split_once('=').unwrap_or((variable, ""));
        look(format!("config.Env[{}]", short(name)), name, value);
    }
    for (name, value) in &config.config.labels {
        look(format!("config.Labels[{}]", short(name)), name, value);
    }
    for (index, step) in config.history.iter().enumerate() {
        let text = step.created_by.as_deref().unwrap_or_default();
        let text = text.get(..text.floor_char_boundary(MAX_TEXT)).unwrap_or_default();
        for word in text.split([' ', '\t', '\n', '"', '\'', ';', '|', '&', '(', ')', '[', ']', ',']) {
            let (name, value) = word.split_once('=').unwrap_or(("", word));
            look(format!("history[{index}]"), name.trim_start_matches('-'), value);
        }
    }
    // The same variable is in the environment and in the step that set it: the first is enough.
    let mut said = std::collections::BTreeSet::new();
    hits.retain(|hit| hit.detail.as_ref().is_none_or(|detail| said.insert(detail.clone())));
    hits
}

fn short(name: &str) -> String {
    name.chars().take(80).collect()
}

fn is_secret(name: &str, value: &str) -> bool {
    let value = value.trim().trim_matches(['"', '\'']);
    is_token(value) || has_password(value) || (names_a_secret(name) && may_be_secret(value))
}

/// Whether a variable of this name holds a secret. Names of files, public keys and settings about secrets do not.
fn names_a_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase().replace(['-', '.'], "_");
    let words = [
        "PASSWORD",
        "PASSWD",
        "PASSPHRASE",
        "SECRET",
        "TOKEN",
        "APIKEY",
        "API_KEY",
        "ACCESS_KEY",
        "PRIVATE_KEY",
        "CREDENTIALS",
    ];
    let about =
        ["_FILE", "_PATH", "_DIR", "_URL", "_URI", "_NAME", "_ID", "_TTL", "_EXPIRY", "_LENGTH", "_TYPE", "_HEADER"];
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    plain
        && !name.contains("PUBLIC")
        && !about.iter().any(|a| name.ends_with(a))
        && (words.iter().any(|w| name.contains(w)) || name.ends_with("_PWD") || name.ends_with("_PASS"))
}

/// Whether a value can be a secret at all: no reference to one, no path, no switch, no mask.
fn may_be_secret(value: &str) -> bool {
    let word = value.to_ascii_lowercase();
    let settings = ["true", "false", "yes", "no", "on", "off", "none", "null", "enabled", "disabled", "required"];
    value.len() >= 4
        && !value.starts_with(['$', '/', '<', '{', '@', '%'])
        && !settings.contains(&word.as_str())
        && !value.bytes().all(|b| b == b'*' || b == b'x')
        && !value.bytes().all(|b| b.is_ascii_digit() && value.len() < 6)
}

/// The beginnings of tokens that say what they are, and how long the rest is at least.
const TOKENS: [(&str, usize); 19] = [
    ("AKIA", 16),
    ("ASIA", 16),
    ("AIza", 35),
    ("dckr_pat_", 20),
    ("ghp_", 36),
    ("gho_", 36),
    ("ghs_", 36),
    ("github_pat_", 40),
    ("glpat-", 20),
    ("hvs.", 24),
    ("npm_", 36),
    ("pypi-", 40),
    ("rk_live_", 24),
    ("sk-ant-", 40),
    ("sk_live_", 24),
    ("SG.", 60),
    ("xoxb-", 30),
    ("xoxp-", 30),
    ("eyJhbGciOi", 60),
];

fn is_token(value: &str) -> bool {
    let plain = |rest: &str| rest.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.=+/".contains(&b));
    let known =
        |(start, length): &(&str, usize)| value.strip_prefix(start).is_some_and(|r| r.len() >= *length && plain(r));
    TOKENS.iter().any(known) || (value.contains("-----BEGIN") && value.contains("PRIVATE KEY"))
}

/// `scheme://user:password@host`
fn has_password(value: &str) -> bool {
    let Some((scheme, rest)) = value.split_once("://") else { return false };
    let authority = rest.split(['/', '?']).next().unwrap_or(rest);
    let password = authority.rsplit_once('@').and_then(|(user, _)| user.split_once(':')).map(|(_, p)| p);
    scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b)) && password.is_some_and(may_be_secret)
}

/// The first and last characters of a long value, nothing of a short one. An address keeps its host out of it, too.
fn redact(value: &str) -> String {
    let value = value.trim().trim_matches(['"', '\'']);
    let characters: Vec<char> = value.chars().collect();
    match characters.as_slice() {
        [a, b, .., y, z] if characters.len() >= 16 && !has_password(value) => format!("{a}{b}******{y}{z}"),
        _ => "******".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testing::{check, config, subject};

    #[test]
    fn names_and_values_that_are_secrets() {
        let token = format!("ghp_{}", "a1".repeat(18));
        for (name, value, want) in [
            ("DB_PASSWORD", "hunter22", true),
            ("db-password", "hunter22", true),
            ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMIK7MDENG", true),
            ("ANYTHING", token.as_str(), true),
            ("DATABASE_URL", "postgres://app:s3cret@db/x", true),
            ("DATABASE_URL", "postgres://app@db/x", false),
            ("DATABASE_URL", "postgres://app:$PASSWORD@db/x", false),
            ("GPG_KEY", "A035C8C19219BA821ECEA86B64E628F8D684696D", false),
            ("DB_PASSWORD_FILE", "/run/secrets/db", false),
            ("DB_PASSWORD", "$DB_PASSWORD", false),
            ("DB_PASSWORD", "", false),
            ("ALLOW_EMPTY_PASSWORD", "yes", false),
            ("TOKEN_TTL", "3600", false),
            ("PATH", "/usr/bin:/bin", false),
        ] {
            assert_eq!(is_secret(name, value), want, "{name}={value}");
        }
    }

    #[test]
    fn nothing_of_the_secret_is_shown() {
        let config = config(
            r#"{"config":{"Env":["DB_PASSWORD=correct-horse-battery"],"Labels":{"api.token":"abcdefgh"}},
                "history":[{"created_by":"ENV DB_PASSWORD=correct-horse-battery"},
                           {"created_by":"RUN |1 NPM_TOKEN=0123456789abcdef /bin/sh -c npm ci # buildkit"}]}"#,
        );
        let found = check(&RULE, &Subject { config: Some(&config), ..subject() });
        let reported: Vec<_> =
            found.iter().map(|c| (c.location.as_str(), c.title.rsplit(": ").next().unwrap())).collect();
        assert_eq!(
            reported,
            [
                ("config.Env[DB_PASSWORD]", "DB_PASSWORD=co******ry"),
                ("config.Labels[api.token]", "api.token=******"),
                ("history[1]", "NPM_TOKEN=01******ef"),
            ]
        );
    }

    #[test]
    fn whatever_stands_there_does_no_harm() {
        for text in ["", "=", "====", "://:@", "x://a:@", "\u{0}=\u{fffd}", &"é=".repeat(50_000)] {
            let step = layergate_model::HistoryEntry { created_by: Some(text.to_owned()), ..Default::default() };
            let config = layergate_model::ImageConfig { history: vec![step], ..Default::default() };
            check(&RULE, &Subject { config: Some(&config), ..subject() });
        }
    }
}
