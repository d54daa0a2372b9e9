//! Yarn's Plug'n'Play map (yarnpkg.com, "PnP specification"): `.pnp.cjs` with the data in a text of the script (or, by older
//! versions, as an object in it), or `.pnp.data.json`. What it names is what Node finds; there is no `node_modules`.
//!
//! It does not tell what is for development only. Beside a `yarn.lock`, which does, only the lock counts (`image`).

use layergate_model::{AnalyzerId, PackageKind, Provenance, Section};
use serde::Deserialize;
use serde_json::Value;

use super::{input, node_rules};
use crate::{AnalyzeError, Analyzer, Entry, File, Interest};

/// Reads Plug'n'Play maps.
pub struct YarnPnp;

#[derive(Deserialize)]
struct State {
    #[serde(rename = "packageRegistryData")]
    packages: Vec<(Value, Vec<(Value, Value)>)>,
}

impl Analyzer for YarnPnp {
    fn id(&self) -> AnalyzerId {
        AnalyzerId::new("yarn-pnp")
    }

    fn revision(&self) -> u32 {
        1
    }

    fn interests(&self) -> &'static [Interest] {
        &[Interest::Name(".pnp.cjs"), Interest::Name(".pnp.js"), Interest::Name(".pnp.data.json")]
    }

    fn claims(&self, entry: &Entry<'_>) -> bool {
        !input::inside_dependency(entry.path)
    }

    fn analyze(&self, file: &File<'_>, out: &mut Section) -> Result<(), AnalyzeError> {
        input::bounded(file, input::MAX_LOCK)?;
        let text = file.text();
        let state = match file.path.ends_with(".json") {
            true => serde_json::from_str(&text).map_err(|e| e.to_string()),
            false => script(&text),
        };
        // The script without the data beside it (`pnpEnableInlining: false`).
        let state = match state {
            Err(_) if text.contains(".pnp.data.json") => return Ok(()),
            state => state.map_err(|e| AnalyzeError::database(format!("not a Plug'n'Play map: {e}")))?,
        };
        let start = out.packages.len();
        for (name, references) in &state.packages {
            let Some(name) = name.as_str() else { continue };
            for reference in references.iter().filter_map(|(reference, _)| reference.as_str()) {
                let Some((version, provenance)) = version(reference) else { continue };
                if let Some(package) = input::push(out, PackageKind::Npm, name, &version, file) {
                    package.provenance = provenance;
                }
            }
        }
        input::join_same(out, start);
        Ok(())
    }
}

/// The data in a script.
fn script(text: &str) -> Result<State, String> {
    if let Some((_, after)) = text.split_once("RAW_RUNTIME_STATE =") {
        let after = after.trim_start();
        let json = quoted(after.strip_prefix('\'').ok_or("its data is no text")?).ok_or("its data has no end")?;
        return serde_json::from_str(&json).map_err(|e| e.to_string());
    }
    let (_, after) = text.split_once("hydrateRuntimeState({").ok_or("it has no data of a known form")?;
    let object = &text[text.len() - after.len() - 1..];
    let mut values = serde_json::Deserializer::from_str(object).into_iter();
    values.next().ok_or("its data is empty")?.map_err(|e: serde_json::Error| e.to_string())
}

/// A text in single quotes as JavaScript has it, with the line breaks that a backslash takes away.
fn quoted(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    loop {
        match chars.next()? {
            '\'' => return Some(out),
            '\\' => match chars.next()? {
                '\n' => {}
                'n' => out.push('\n'),
                't' => out.push('\t'),
                other => out.push(other),
            },
            other => out.push(other),
        }
    }
}

/// The version of a reference: `npm:1.0.0`, `virtual:HASH#npm:1.0.0`, `patch:a@npm%3A1.0.0#…`. The project's own have none.
fn version(reference: &str) -> Option<(String, Provenance)> {
    let inner = match reference.strip_prefix("virtual:") {
        Some(rest) => rest.split_once('#')?.1,
        None => reference,
    };
    if inner.starts_with("workspace:") {
        return None;
    }
    let end = |text: &str| text.split(['#', '&', ':']).next().unwrap_or_default().to_owned();
    if let Some((_, after)) = inner.split_once("npm:").or_else(|| inner.split_once("npm%3A")) {
        return Some((end(after), Provenance::Registry));
    }
    // The older form is the version alone; anything else is from somewhere else.
    match inner.starts_with(|c: char| c.is_ascii_digit()) {
        true => Some((end(inner), Provenance::Registry)),
        false => Some((inner.to_owned(), node_rules::provenance(inner).max(Provenance::Elsewhere))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{analyze, packages};

    const DATA: &str = r#"{"__info":["it's"],"packageRegistryData":[[null,[[null,{"packageLocation":"./"}]]],
        ["app",[["workspace:.",{}]]],["a",[["npm:1.0.0",{}],["virtual:ab12#npm:2.0.0",{}]]],
        ["@s/b",[["patch:@s/b@npm%3A3.0.0#~builtin<x>::version=3.0.0",{}]]],["c",[["https://x.org/c.tgz#ab",{}]]]]}"#;

    #[test]
    fn maps_in_all_forms() {
        let want = ["@s/b 3.0.0", "a 1.0.0", "a 2.0.0", "c https://x.org/c.tgz#ab"];
        let text = DATA.replace('\'', "\\'").replace('\n', "\\\n");
        let script = format!("#!/usr/bin/env node\nconst RAW_RUNTIME_STATE =\n'{text}';\nfunction x() {{}}");
        let object = format!(
            "function $$SETUP_STATE(hydrateRuntimeState, basePath) {{\n return hydrateRuntimeState({DATA}, {{}});}}"
        );
        for (path, text) in [("a/.pnp.cjs", script), ("a/.pnp.js", object), ("a/.pnp.data.json", DATA.to_owned())] {
            assert_eq!(packages(&YarnPnp, path, text.as_bytes()), want, "{path}");
        }
        let (section, _) = analyze(&YarnPnp, ".pnp.data.json", DATA.as_bytes());
        assert_eq!(section.packages[3].provenance, Provenance::Elsewhere);
    }

    #[test]
    fn what_is_none() {
        for text in
            ["", "const RAW_RUNTIME_STATE =\n'{", "RAW_RUNTIME_STATE = {}", "hydrateRuntimeState({", "module.exports"]
        {
            assert!(analyze(&YarnPnp, ".pnp.cjs", text.as_bytes()).1.is_err(), "{text}");
        }
        assert!(analyze(&YarnPnp, ".pnp.cjs", b"readFileSync(\".pnp.data.json\")").1.is_ok());
    }
}
