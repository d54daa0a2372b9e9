//! OVAL documents (oval.mitre.org, language 5.11), as far as package advisories use them: definitions with their CVEs
//! and the tests they name, tests with their object and state, objects with a package, states with a version.
//!
//! Read in one pass; elements are known by their local name, whatever the prefix. The logic of the criteria is not
//! evaluated: advisories list alternatives of "package earlier than version" beside tests of signature and release, and
//! only the former become affected packages. Where a definition speaks of several releases, [`super::oval_criteria`]
//! says which package tests stand under which.

use std::collections::HashMap;

use layergate_advisory::{Day, Rating, Record};
use layergate_model::Severity;
use quick_xml::{Reader, events::Event};

use crate::feed::{FeedFile, Sink};

/// Elements nested deeper than this are not OVAL.
const MAX_DEPTH: usize = 64;

/// A document.
#[derive(Default)]
pub(crate) struct Oval {
    pub(crate) definitions: Vec<Definition>,
    /// Test to (object, state).
    tests: HashMap<String, (String, Option<String>)>,
    /// Object to package.
    objects: HashMap<String, String>,
    /// State to (operation, version).
    states: HashMap<String, (String, String)>,
}

/// One advisory.
#[derive(Default)]
pub(crate) struct Definition {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) platforms: Vec<String>,
    pub(crate) cves: Vec<String>,
    pub(crate) severity: Option<String>,
    pub(crate) date: Option<String>,
    /// Azure Linux's word on whether an update can fix it: `true`, `false`, `Not Applicable`.
    pub(crate) patchable: Option<String>,
    /// The tests its criteria name.
    pub(crate) tests: Vec<String>,
    /// The criteria as they are nested, in order.
    pub(crate) criteria: Vec<Step>,
    /// Scores as they stand in `cvss3` and its like.
    vectors: Vec<String>,
}

impl Definition {
    /// Gives a record the definition's day, and its severity as the word of `source`; the severity.
    pub(crate) fn date_and_rate(&self, record: &mut Record, source: &'static str) -> Option<Severity> {
        record.modified = self.date.as_deref().and_then(Day::parse);
        let severity = self.severity.as_deref().and_then(|s| s.parse().ok());
        record.ratings.extend(severity.map(|severity| Rating { source: source.into(), severity }));
        severity
    }

    /// Its CVSS vectors: `AV:N/…` of `7.8/AV:N/…`.
    pub(crate) fn vectors(&self) -> impl Iterator<Item = &str> {
        self.vectors.iter().map(|text| match text.split_once('/') {
            Some((score, vector)) if score.parse::<f32>().is_ok() => vector,
            _ => text,
        })
    }
}

/// A piece of nested criteria.
pub(crate) enum Step {
    /// `criteria`: whether all of it must hold.
    Open(bool),
    /// A criterion's test and comment.
    Test(String, String),
    /// The end of `criteria`.
    Close,
}

/// A test "package … version".
pub(crate) struct PackageTest<'o> {
    pub(crate) package: &'o str,
    pub(crate) operation: &'o str,
    pub(crate) evr: &'o str,
}

impl Oval {
    /// Reads a file; one that cannot be read is reported.
    pub(crate) fn read(file: &FeedFile, sink: &mut Sink<'_>) -> Option<Self> {
        Self::parse(&file.bytes).map_err(|error| sink.problem(error)).ok()
    }

    /// Reads a document.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let text = String::from_utf8_lossy(bytes);
        let mut reader = Reader::from_str(text.strip_prefix('\u{feff}').unwrap_or(&text));
        reader.config_mut().trim_text(true);
        let mut oval = Self::default();
        let mut path: Vec<String> = Vec::new();
        let mut holder = String::new();
        let mut content = String::new();
        let mut operation = String::new();
        loop {
            let event = reader.read_event().map_err(|e| format!("at byte {}: {e}", reader.buffer_position()))?;
            match event {
                Event::Eof => break,
                Event::Start(ref e) | Event::Empty(ref e) => {
                    let name = e.local_name().as_ref().to_owned();
                    let attribute = |key: &str| {
                        e.attributes()
                            .flatten()
                            .find(|a| a.key.local_name().as_ref() == key)
                            .map(|a| a.value.into_owned())
                    };
                    oval.open(&name, &path, &mut holder, &mut operation, attribute);
                    content.clear();
                    if matches!(event, Event::Start(_)) {
                        if path.len() >= MAX_DEPTH {
                            return Err(format!("elements nested deeper than {MAX_DEPTH}"));
                        }
                        path.push(name);
                    }
                }
                Event::Text(e) => content.push_str(&e),
                Event::GeneralRef(e) => content.push(match e.as_ref() {
                    "amp" => '&',
                    "lt" => '<',
                    "gt" => '>',
                    "quot" => '"',
                    "apos" => '\'',
                    _ => ' ',
                }),
                Event::End(_) => {
                    if let Some(name) = path.pop() {
                        oval.close(&name, &path, &holder, &operation, content.trim());
                    }
                    content.clear();
                }
                _ => {}
            }
        }
        if oval.definitions.is_empty() { Err("no definitions in it".into()) } else { Ok(oval) }
    }

    fn open(
        &mut self,
        name: &str,
        path: &[String],
        holder: &mut String,
        operation: &mut String,
        attribute: impl Fn(&str) -> Option<String>,
    ) {
        match name {
            "definition" => {
                let id = attribute("id").unwrap_or_default();
                self.definitions.push(Definition { id, ..Definition::default() });
            }
            "criterion" => {
                if let (Some(definition), Some(test)) = (self.definitions.last_mut(), attribute("test_ref")) {
                    definition.criteria.push(Step::Test(test.clone(), attribute("comment").unwrap_or_default()));
                    definition.tests.push(test);
                }
            }
            "criteria" => {
                if let Some(definition) = self.definitions.last_mut() {
                    definition.criteria.push(Step::Open(attribute("operator").as_deref() != Some("OR")));
                }
            }
            "cve" => {
                let vectors = ["cvss4", "cvss3", "cvss2"].map(attribute).into_iter().flatten();
                if let Some(definition) = self.definitions.last_mut() {
                    definition.vectors.extend(vectors);
                }
            }
            "reference" if path.iter().any(|p| p == "definition") => {
                let id = attribute("ref_id").unwrap_or_default();
                // Photon writes `CVE:00001:CVE-2019-16168`.
                let id = id.rsplit(':').next().unwrap_or(&id);
                if id.starts_with("CVE-") {
                    self.cve(id);
                }
            }
            "updated" | "issued" => {
                if let (Some(definition), Some(date)) = (self.definitions.last_mut(), attribute("date")) {
                    definition.date = definition.date.take().max(Some(date));
                }
            }
            "rpminfo_test" | "dpkginfo_test" => {
                *holder = attribute("id").unwrap_or_default();
                self.tests.entry(holder.clone()).or_default();
            }
            "object" => {
                if let (Some(test), Some(object)) = (self.tests.get_mut(holder.as_str()), attribute("object_ref")) {
                    test.0 = object;
                }
            }
            "state" => {
                if let (Some(test), Some(state)) = (self.tests.get_mut(holder.as_str()), attribute("state_ref")) {
                    test.1 = Some(state);
                }
            }
            "rpminfo_object" | "rpminfo_state" | "dpkginfo_object" | "dpkginfo_state" => {
                *holder = attribute("id").unwrap_or_default();
            }
            "evr" => *operation = attribute("operation").unwrap_or_else(|| "equals".into()),
            _ => {}
        }
    }

    fn close(&mut self, name: &str, path: &[String], holder: &str, operation: &str, text: &str) {
        let within = |element: &str| path.last().is_some_and(|p| p == element);
        match name {
            "name" if within("rpminfo_object") || within("dpkginfo_object") => {
                self.objects.insert(holder.to_owned(), text.to_owned());
            }
            "evr" => {
                self.states.insert(holder.to_owned(), (operation.to_owned(), text.to_owned()));
            }
            "cve" if text.starts_with("CVE-") => self.cve(text),
            _ => {}
        }
        let Some(definition) = self.definitions.last_mut() else { return };
        match name {
            "title" if within("metadata") => text.clone_into(&mut definition.title),
            "platform" => definition.platforms.push(text.to_owned()),
            "severity" => definition.severity = Some(text.to_owned()),
            "patchable" => definition.patchable = Some(text.to_owned()),
            "criteria" => definition.criteria.push(Step::Close),
            "advisory_date" => definition.date = Some(text.to_owned()),
            _ => {}
        }
    }

    fn cve(&mut self, id: &str) {
        if let Some(definition) = self.definitions.last_mut()
            && !definition.cves.iter().any(|c| c == id)
        {
            definition.cves.push(id.to_owned());
        }
    }

    /// What a test asks of a package's version; `None` for tests of anything else.
    pub(crate) fn package_test(&self, test: &str) -> Option<PackageTest<'_>> {
        let (object, state) = self.tests.get(test)?;
        let package = self.objects.get(object)?;
        let (operation, evr) = self.states.get(state.as_ref()?)?;
        Some(PackageTest { package, operation, evr })
    }

    /// All versions that the states name.
    pub(crate) fn versions(&self) -> impl Iterator<Item = &str> {
        self.states.values().map(|(_, evr)| evr.as_str())
    }
}

/// `1.2-3` of `0:1.2-3`: an epoch of 0 is the same as none and is not shown.
pub(crate) fn without_zero_epoch(evr: &str) -> &str {
    evr.strip_prefix("0:").unwrap_or(evr)
}
