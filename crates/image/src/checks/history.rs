//! The build steps that history shows, taken apart: Docker's old builder writes `/bin/sh -c #(nop) ADD …` and
//! `/bin/sh -c command`, BuildKit `ADD … # buildkit` and `RUN |1 ARG=x /bin/sh -c command # buildkit`. What other
//! builders write (Kaniko, Buildah) has one of these shapes.

use super::Subject;

/// One step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step<'a> {
    /// Its place in history.
    pub(super) index: usize,
    /// `RUN`, `ADD`, …; empty where it is none that is known.
    pub(super) instruction: &'a str,
    /// What follows the instruction.
    pub(super) text: &'a str,
    /// Whether the base image's author wrote it, as far as that is known.
    pub(super) in_base: bool,
}

impl Step<'_> {
    pub(super) fn location(&self) -> String {
        format!("history[{}]", self.index)
    }
}

/// Longer steps are cut: one may be a script of a megabyte.
const MAX_TEXT: usize = 64 * 1024;

/// The steps of the image's history.
pub(super) fn steps<'a>(subject: &Subject<'a>) -> Vec<Step<'a>> {
    let history = subject.config.map_or(&[][..], |c| &c.history);
    let base = subject.base.map_or(0, |b| b.layers as usize);
    let mut layers = 0;
    let mut steps = Vec::new();
    for (index, entry) in history.iter().enumerate() {
        layers += usize::from(!entry.empty_layer);
        let text = entry.created_by.as_deref().unwrap_or_default();
        let text = text.get(..text.floor_char_boundary(MAX_TEXT)).unwrap_or_default();
        let (instruction, text) = parse(text);
        steps.push(Step { index, instruction, text, in_base: layers <= base && base > 0 });
    }
    steps
}

fn parse(command: &str) -> (&str, &str) {
    let command = command.trim();
    let command = command.strip_suffix("# buildkit").unwrap_or(command).trim_end();
    if let Some(rest) = command.strip_prefix("/bin/sh -c #(nop)") {
        let rest = rest.trim_start();
        return rest.split_once(' ').unwrap_or((rest, ""));
    }
    if let Some(script) = command.strip_prefix("/bin/sh -c ") {
        return ("RUN", script);
    }
    // The old builder's steps with build arguments.
    if command.starts_with('|') {
        return ("RUN", command);
    }
    let (word, rest) = command.split_once(' ').unwrap_or((command, ""));
    let known = ["RUN", "ADD", "COPY", "ENV", "CMD", "ENTRYPOINT", "USER", "EXPOSE", "VOLUME", "LABEL", "WORKDIR"];
    if known.contains(&word) { (word, rest.trim_start()) } else { ("", command) }
}

/// The simple commands of a shell script, as words. Quotes are taken away, not understood.
pub(super) fn commands(script: &str) -> impl Iterator<Item = Vec<&str>> {
    script
        .split(['\n', ';', '|', '&', '(', ')', '{', '}'])
        .map(|command| {
            let words = command.split_whitespace().map(|w| w.trim_matches(['"', '\'', '\\'])).filter(|w| !w.is_empty());
            // Build arguments and settings before the command are not the command.
            let is_prefix = |w: &&str| {
                w.contains('=')
                    || matches!(*w, "/bin/sh" | "/bin/bash" | "-c" | "-e" | "set" | "exec" | "then" | "do" | "1")
            };
            words.skip_while(is_prefix).collect::<Vec<_>>()
        })
        .filter(|words| !words.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builders_write_differently() {
        for (command, instruction, text) in [
            ("/bin/sh -c #(nop)  CMD [\"bash\"]", "CMD", "[\"bash\"]"),
            ("/bin/sh -c #(nop) ADD file:1f in / ", "ADD", "file:1f in /"),
            ("/bin/sh -c apt-get update", "RUN", "apt-get update"),
            ("RUN /bin/sh -c apt-get update # buildkit", "RUN", "/bin/sh -c apt-get update"),
            ("|1 A=b /bin/sh -c make", "RUN", "|1 A=b /bin/sh -c make"),
            ("COPY . /app # buildkit", "COPY", ". /app"),
            ("bazel build ...", "", "bazel build ..."),
            ("", "", ""),
        ] {
            assert_eq!(parse(command), (instruction, text), "{command}");
        }
    }

    #[test]
    fn the_bases_steps_are_the_bases() {
        use crate::checks::testing::{config, subject};
        let config = config(
            r#"{"history":[{"created_by":"ADD rootfs.tar /"},{"created_by":"CMD [\"sh\"]","empty_layer":true},
                {"created_by":"RUN a"},{"created_by":"ENV B=c","empty_layer":true},{"created_by":"RUN d"}]}"#,
        );
        let base = layergate_model::BaseImage { name: None, digest: None, layers: 2, source: "history".into() };
        let whose = |base| {
            let subject = Subject { config: Some(&config), base, ..subject() };
            steps(&subject).iter().map(|s| s.in_base).collect::<Vec<_>>()
        };
        assert_eq!(whose(Some(&base)), [true, true, true, true, false]);
        assert_eq!(whose(None), [false; 5]);
    }

    #[test]
    fn scripts_become_commands() {
        let words: Vec<_> = commands("|1 A=b /bin/sh -c set -e; FOO=1 curl -k \"https://x\" && (apk add x)").collect();
        assert_eq!(words, [vec!["curl", "-k", "https://x"], vec!["apk", "add", "x"]]);
    }
}
