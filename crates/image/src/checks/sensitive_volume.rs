//! `sensitive-volume`: the image declares a system directory as a volume.

use layergate_model::Severity;

use super::{Hit, Rule, Subject};

pub(super) const RULE: Rule = Rule {
    id: "sensitive-volume",
    title: "A system directory is declared as a volume",
    reason: "A volume over such a directory hides what the image has there, and invites mounting the host's own.",
    remediation: "Remove the VOLUME instruction; declare only directories of the application's data.",
    severity: Severity::Medium,
    find,
};

const SYSTEM: [&str; 14] = [
    "/",
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/lib",
    "/proc",
    "/root",
    "/run/docker.sock",
    "/sbin",
    "/sys",
    "/usr",
    "/var",
    "/var/run/docker.sock",
];

fn find(subject: &Subject<'_>) -> Vec<Hit> {
    let Some(config) = subject.config else { return Vec::new() };
    let plain =
        |volume: &str| if volume.len() > 1 { volume.trim_end_matches('/').to_owned() } else { volume.to_owned() };
    let volumes = config.config.volumes.keys().filter(|v| SYSTEM.contains(&plain(v).as_str()));
    volumes.map(|v| Hit::at(format!("config.Volumes[{}]", v.chars().take(80).collect::<String>()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testing::locations;

    #[test]
    fn system_directories_only() {
        let json = r#"{"config":{"Volumes":{"/etc/":{},"/var/lib/data":{},"/":{},"/var/run/docker.sock":{}}}}"#;
        let want = ["config.Volumes[/]", "config.Volumes[/etc/]", "config.Volumes[/var/run/docker.sock]"];
        assert_eq!(locations(&RULE, json), want);
    }
}
