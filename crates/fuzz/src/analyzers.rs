//! One target for each analyzer of the catalogue: one or several files of a layer, each a line with its path and then its
//! content, divided by a line `%%`. The files go to the analyzer as the layer's driver gives them, wanted or not by path,
//! for a path is an adversary's choice too.

use layergate_inventory::{Analyzer, Catalogue, Entry, File, Interest};
use layergate_model::{EntryKind, LayerPath, Limits, Notes, OsRelease, Purl, Section};

use crate::{Target, path_and_content};

const BETWEEN: &[u8] = b"\n%%\n";

pub(crate) fn targets() -> Vec<Target> {
    let all = Catalogue::standard();
    let target = |analyzer: &&'static dyn Analyzer| {
        let analyzer = *analyzer;
        let (usual, alone) = (usual_path(analyzer), Catalogue::of(&[analyzer]));
        Target::new(format!("analyzer-{}", analyzer.id()), move |bytes| run(analyzer, &alone, &usual, bytes))
    };
    all.analyzers().iter().map(target).collect()
}

/// A path that the analyzer is interested in, for content that names none.
fn usual_path(analyzer: &dyn Analyzer) -> LayerPath {
    let text = match analyzer.interests().first() {
        Some(Interest::Path(path)) => (*path).to_owned(),
        Some(Interest::Name(name)) => format!("a/{name}"),
        Some(Interest::Extension(end)) => format!("a/b-1{end}"),
        Some(Interest::Below(directory)) => format!("{directory}/a/b-1"),
        Some(Interest::Executable) => "usr/bin/node".to_owned(),
        Some(Interest::AnyFile | Interest::Content | Interest::Metadata) | None => "a".to_owned(),
    };
    LayerPath::normalise(&text).unwrap_or_else(|_| LayerPath::root())
}

fn run(analyzer: &dyn Analyzer, alone: &Catalogue, usual: &LayerPath, bytes: &[u8]) {
    let limits = Limits { max_unpacked_bytes: 32 << 20, max_file_bytes: 8 << 20, ..Limits::default() };
    let mut section = Section { revision: analyzer.revision(), ..Section::default() };
    for one in split(bytes) {
        let (path, content) = path_and_content(one);
        let path = path.and_then(|p| LayerPath::normalise(p).ok()).unwrap_or_else(|| usual.clone());
        let entry = Entry { path: &path, kind: EntryKind::File, mode: 0o4755, target: "" };
        alone.claims(&entry, &mut Vec::new());
        analyzer.observe(&entry, &mut section);
        if analyzer.wants(&content[..content.len().min(512)]) && analyzer.wants_size(&path, content.len() as u64) {
            let _ = analyzer.analyze(&File::new(&path, 0o4755, content, &limits), &mut section);
        }
    }
    analyzer.finish(&mut section);
    section.notes = Notes::default();
    let distro = OsRelease::parse("ID=debian\nVERSION_ID=12\n").distro();
    for package in &section.packages {
        let purl = package.purl(distro.as_ref());
        let read = serde_json::to_string(&purl).ok().and_then(|text| serde_json::from_str::<Purl>(&text).ok());
        assert!(read.as_ref() == Some(&purl), "the package URL of {:?} is read differently", package.name);
    }
    // What was found is stored and read again.
    let json = serde_json::to_vec(&section).unwrap_or_default();
    let read: Option<Section> = serde_json::from_slice(&json).ok();
    assert!(read.as_ref() == Some(&section), "what is stored reads differently");
}

fn split(bytes: &[u8]) -> Vec<&[u8]> {
    let (mut parts, mut rest) = (Vec::new(), bytes);
    while let Some(at) = rest.windows(BETWEEN.len()).position(|w| w == BETWEEN).filter(|_| parts.len() < 8) {
        parts.push(&rest[..at]);
        rest = &rest[at + BETWEEN.len()..];
    }
    parts.push(rest);
    parts
}
