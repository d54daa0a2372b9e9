//! `add-url`: a build step downloads with ADD (CIS Docker 4.9). ADD with `--checksum` names what it expects and passes,
//! as does a Git repository pinned to a commit; build contexts (`ADD file:…`, `ADD multi:…`) are no URLs.

use layergate_model::Severity;

use super::{Hit, Rule, Subject};

pub(super) const RULE: Rule = Rule {
    id: "add-url",
    title: "ADD downloads from a URL",
    reason: "The download is not verified, and whoever controls the address controls the next build.",
    remediation: "Give ADD a --checksum=sha256:…, or download, verify and use in one RUN step.",
    severity: Severity::Low,
    find,
};

const SCHEMES: [&str; 4] = ["http://", "https://", "ftp://", "git://"];

fn find(subject: &Subject<'_>) -> Vec<Hit> {
    let history = subject.config.map_or(&[][..], |c| &c.history);
    let mut hits = Vec::new();
    for (index, step) in history.iter().enumerate() {
        let Some(command) = step.created_by.as_deref() else { continue };
        let command = command.trim_start();
        let command = command.strip_prefix("/bin/sh -c #(nop)").unwrap_or(command).trim_start();
        let Some(arguments) = command.strip_prefix("ADD ") else { continue };
        if arguments.contains("--checksum=") {
            continue;
        }
        let url = arguments.split([' ', ',', '[', ']', '"']).find(|a| SCHEMES.iter().any(|s| a.starts_with(s)));
        if let Some(url) = url {
            hits.push(Hit::at(format!("history[{index}]")).saying(without_credentials(url)));
        }
    }
    hits
}

/// The address without user, password and query, any of which may be secret; at most 200 characters.
fn without_credentials(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or(url);
    let shown = match url.split_once("://") {
        Some((scheme, rest)) => {
            let (host, path) = rest.split_once('/').map_or((rest, ""), |(h, p)| (h, p));
            let host = host.rsplit('@').next().unwrap_or(host);
            format!("{scheme}://{host}/{path}")
        }
        None => url.to_owned(),
    };
    shown.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testing::{check, config, locations, subject};

    #[test]
    fn only_unverified_downloads() {
        for (command, found) in [
            ("/bin/sh -c #(nop) ADD https://example.org/x.tar.gz in /opt ", true),
            ("ADD https://example.org/x /opt/x # buildkit", true),
            ("ADD --checksum=sha256:aa https://example.org/x /opt/x # buildkit", false),
            ("/bin/sh -c #(nop) ADD file:1f2e in / ", false),
            ("COPY https.txt /opt # buildkit", false),
            ("RUN curl https://example.org", false),
        ] {
            let json = format!(r#"{{"history":[{{"created_by":"{command}"}}]}}"#);
            assert_eq!(!locations(&RULE, &json).is_empty(), found, "{command}");
        }
        let config = config(r#"{"history":[{"created_by":"ADD https://me:pw@example.org/a?token=1 /a"}]}"#);
        let found = check(&RULE, &Subject { config: Some(&config), ..subject() });
        assert_eq!(found[0].title, "ADD downloads from a URL: https://example.org/a");
    }
}
