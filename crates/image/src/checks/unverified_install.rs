//! `unverified-install`: a build step or variable switches verification off (CIS Docker 4.11): signatures of packages, or the
//! certificate of the server that they come from.

use layergate_model::Severity;

use super::{Hit, Rule, Subject, history};

pub(super) const RULE: Rule = Rule {
    id: "unverified-install",
    title: "Something was installed without verification",
    reason: "Whoever is on the way to the server, or has written the mirror, chooses what is in the image.",
    remediation: "Install from signed repositories over verified TLS; add the missing key or certificate instead of the flag.",
    severity: Severity::Medium,
    find,
};

/// Arguments that switch verification off, whoever's they are.
const FLAGS: [&str; 13] = [
    "--allow-unauthenticated",
    "--force-yes",
    "--allow-untrusted",
    "--nogpgcheck",
    "--no-gpg-checks",
    "--no-check-certificate",
    "--insecure",
    "--no-verify-ssl",
    "[trusted=yes]",
    "gpgcheck=0",
    "--setopt=sslverify=false",
    "--setopt=sslverify=0",
    "http.sslVerify=false",
];

/// Variables that do, and the values with which they do.
const VARIABLES: [(&str, &str); 4] = [
    ("NODE_TLS_REJECT_UNAUTHORIZED", "0"),
    ("GIT_SSL_NO_VERIFY", "1"),
    ("GIT_SSL_NO_VERIFY", "true"),
    ("PYTHONHTTPSVERIFY", "0"),
];

fn find(subject: &Subject<'_>) -> Vec<Hit> {
    let mut hits = Vec::new();
    for variable in subject.config.map_or(&[][..], |c| &c.config.env) {
        let is = |(name, value): &&(&str, &str)| variable.split_once('=') == Some((*name, *value));
        hits.extend(VARIABLES.iter().find(is).map(|(name, _)| Hit::at(format!("config.Env[{name}]"))));
    }
    for step in history::steps(subject).iter().filter(|s| s.instruction == "RUN") {
        let flag = history::commands(step.text).find_map(|command| switched_off(&command));
        hits.extend(flag.map(|flag| Hit::at(step.location()).saying(flag)));
    }
    hits
}

fn switched_off(command: &[&str]) -> Option<String> {
    let program = command[0].rsplit('/').next().unwrap_or_default();
    let arguments = || command.iter().skip(1);
    if let Some(flag) = arguments().find(|a| FLAGS.contains(a)) {
        return Some((*flag).to_owned());
    }
    // curl -k, also among other short options.
    let short = |a: &&&str| {
        a.len() > 1
            && !a.starts_with("--")
            && a.strip_prefix('-').is_some_and(|o| o.contains('k') && o.bytes().all(|b| b.is_ascii_alphabetic()))
    };
    if program == "curl" && arguments().any(|a| short(&a)) {
        return Some("curl -k".to_owned());
    }
    let npm =
        matches!(program, "npm" | "yarn" | "pnpm") && command.contains(&"strict-ssl") && command.contains(&"false");
    npm.then(|| "strict-ssl false".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testing::locations;

    #[test]
    fn flags_and_short_options() {
        for (command, found) in [
            ("RUN /bin/sh -c curl -fsSLk https://x -o y # buildkit", true),
            ("RUN /bin/sh -c curl -fsSL https://x/-k # buildkit", false),
            ("RUN /bin/sh -c wget --no-check-certificate https://x", true),
            ("/bin/sh -c apk add --allow-untrusted x.apk", true),
            ("RUN /bin/sh -c npm config set strict-ssl false && npm ci", true),
            ("RUN /bin/sh -c apt-get install -y curl", false),
            ("RUN /bin/sh -c tar -k x", false),
            ("RUN /bin/sh -c grep -- --insecure-skip README", false),
        ] {
            let json = serde_json::json!({"history": [{"created_by": command}]}).to_string();
            assert_eq!(!locations(&RULE, &json).is_empty(), found, "{command}");
        }
    }

    #[test]
    fn variables() {
        let json = r#"{"config":{"Env":["NODE_TLS_REJECT_UNAUTHORIZED=0","GIT_SSL_NO_VERIFY=false"]}}"#;
        assert_eq!(locations(&RULE, json), ["config.Env[NODE_TLS_REJECT_UNAUTHORIZED]"]);
    }
}
