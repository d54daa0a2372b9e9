//! `admin-port`: the image exposes a port by which machines are administered.

use layergate_model::Severity;

use super::{Hit, Rule, Subject};

pub(super) const RULE: Rule = Rule {
    id: "admin-port",
    title: "An administration port is exposed",
    reason: "Such ports give a shell or the whole machine to whoever reaches them and guesses a password.",
    remediation: "Remove the EXPOSE and the service; use the orchestrator's exec, or a tunnel, for administration.",
    severity: Severity::Medium,
    find,
};

const PORTS: [(u16, &str, Severity); 13] = [
    (22, "SSH", Severity::Medium),
    (23, "Telnet", Severity::High),
    (512, "rexec", Severity::High),
    (513, "rlogin", Severity::High),
    (514, "rsh", Severity::High),
    (2375, "Docker without TLS", Severity::High),
    (2376, "Docker", Severity::Medium),
    (3389, "Remote Desktop", Severity::Medium),
    (5005, "Java debugger", Severity::Medium),
    (5900, "VNC", Severity::Medium),
    (5985, "WinRM", Severity::Medium),
    (5986, "WinRM", Severity::Medium),
    (10250, "kubelet", Severity::Medium),
];

fn find(subject: &Subject<'_>) -> Vec<Hit> {
    let Some(config) = subject.config else { return Vec::new() };
    let mut hits = Vec::new();
    for exposed in config.config.exposed_ports.keys() {
        let (range, protocol) = exposed.split_once('/').unwrap_or((exposed, "tcp"));
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (Ok(first), Ok(last)) = (first.parse::<u16>(), last.parse::<u16>()) else { continue };
        if !protocol.eq_ignore_ascii_case("tcp") {
            continue;
        }
        for (port, service, severity) in PORTS.iter().filter(|(port, ..)| (first..=last).contains(port)) {
            let hit = Hit::at(format!("config.ExposedPorts[{exposed}]")).saying(format!("{port} ({service})"));
            hits.push(hit.with_severity(*severity));
        }
    }
    hits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testing::{check, config, subject};

    #[test]
    fn single_ports_and_ranges() {
        let config =
            config(r#"{"config":{"ExposedPorts":{"22/tcp":{},"8080/tcp":{},"5900-5910":{},"23/udp":{},"x":{}}}}"#);
        let titles: Vec<_> =
            check(&RULE, &Subject { config: Some(&config), ..subject() }).into_iter().map(|c| c.title).collect();
        let title = |what: &str| format!("An administration port is exposed: {what}");
        assert_eq!(titles, [title("22 (SSH)"), title("5900 (VNC)")]);
    }
}
