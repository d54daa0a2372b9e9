//! Every parser of bytes that somebody else wrote, as a named [`Target`]: what the fuzzer in `fuzz/` runs, and what
//! `tests/replay.rs` runs over the kept corpus with every ordinary test, without a fuzzer and without nightly.
//!
//! A target panics when a parser is wrong: by its own panic (arithmetic that overflows included, for both builds check
//! it), or because what it gave back contradicts itself (a stored inventory that reads differently, a version that is
//! newer than itself). Targets of the catalogues (analyzers, feeds) are made from the catalogues: a new line there is a
//! new target here, and nobody can forget it.

mod analyzers;
mod documents;
mod feeds;
mod layers;
mod names;
pub mod odd;
mod stored;

/// The writer of tar archives that the end-to-end tests have.
#[path = "../../../tests/src/rawtar.rs"]
pub mod rawtar;

/// One parser, or a few that read the same thing.
pub struct Target {
    /// What it is called; its corpus lies in `fuzz/corpus/` under this name.
    pub name: String,
    run: Box<dyn Fn(&[u8]) + Send + Sync>,
}

impl Target {
    fn new(name: impl Into<String>, run: impl Fn(&[u8]) + Send + Sync + 'static) -> Self {
        Self { name: name.into(), run: Box::new(run) }
    }

    /// Gives it these bytes; panics when something is wrong with the parser.
    pub fn run(&self, bytes: &[u8]) {
        (self.run)(bytes);
    }
}

/// All targets.
pub fn targets() -> Vec<Target> {
    let mut all = analyzers::targets();
    all.extend(layers::targets());
    all.extend(documents::targets());
    all.extend(feeds::targets());
    all.extend(stored::targets());
    all.extend(names::targets());
    all
}

/// A file as corpora have it: a path, a line break, the content. Without a line break everything is content.
fn path_and_content(bytes: &[u8]) -> (Option<&str>, &[u8]) {
    match bytes.iter().position(|b| *b == b'\n') {
        Some(end) => (std::str::from_utf8(&bytes[..end]).ok(), &bytes[end + 1..]),
        None => (None, bytes),
    }
}

/// The text before the first line break and what comes after it.
fn lines(bytes: &[u8]) -> Option<Vec<&str>> {
    std::str::from_utf8(bytes).ok().map(|text| text.split('\n').collect())
}
