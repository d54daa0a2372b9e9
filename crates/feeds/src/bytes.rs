//! One file's bytes to what a parser makes of them, without a directory and without a snapshot: for whoever holds the
//! parsers against hostile bytes, and for whoever wants to see what a feed's file says.

use std::{sync::mpsc::sync_channel, thread};

use layergate_advisory::Record;

use crate::{
    catalogue::CATALOGUE,
    feed::{FeedFile, Message, Sink},
    update::repomd,
    walk::{Visit, walk_bytes},
};

/// What came of one file.
#[derive(Debug, Default)]
pub struct ParsedFile {
    /// Whether the parser would have taken the file for its own.
    pub claimed: bool,
    /// The records.
    pub records: Vec<Record>,
    /// What could not be read, in words.
    pub problems: Vec<String>,
}

/// Gives one file to the parser `feed` (a name of [`crate::catalogue_ids`]), claimed or not; `None` when there is none.
pub fn parse_as(feed: &str, path: &str, bytes: &[u8]) -> Option<ParsedFile> {
    let feed = CATALOGUE.iter().find(|f| f.id() == feed)?;
    let file = FeedFile { path: path.to_owned(), bytes: bytes.to_vec(), day: None };
    let mut parsed = ParsedFile { claimed: feed.claims(&file), ..ParsedFile::default() };
    let (messages_in, messages_out) = sync_channel(64);
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut sink = Sink::new(feed.id(), &file, &messages_in);
            feed.parse(&file, &mut sink);
            sink.flush();
        });
        for message in messages_out {
            match message {
                Message::Records { records, .. } => parsed.records.extend(records),
                Message::Problem { detail, .. } => parsed.problems.push(detail),
                Message::Used { .. } | Message::Unused { .. } => {}
            }
        }
    });
    Some(parsed)
}

/// The files in a file that may be packed or an archive, by path and size, and those that could not be read.
pub fn unpack(path: &str, bytes: &[u8]) -> Unpacked {
    let mut found = Unpacked::default();
    if let Err(error) = walk_bytes(path, bytes, &mut found) {
        found.skipped.push((path.to_owned(), error.to_string()));
    }
    found
}

/// What [`unpack`] found.
#[derive(Debug, Default)]
pub struct Unpacked {
    /// Paths and sizes.
    pub files: Vec<(String, usize)>,
    /// Paths and reasons.
    pub skipped: Vec<(String, String)>,
}

impl Visit for Unpacked {
    fn file(&mut self, file: FeedFile) -> bool {
        self.files.push((file.path, file.bytes.len()));
        true
    }

    fn skipped(&mut self, path: String, reason: String) {
        self.skipped.push((path, reason));
    }
}

/// Where the advisories of an rpm repository are, from its `repomd.xml`.
pub fn parse_repomd(bytes: &[u8]) -> Result<Option<String>, String> {
    Ok(repomd::updateinfo(bytes)?.map(|found| found.href))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_by_its_parsers_name() {
        let kev = br#"{"catalogVersion":"1","vulnerabilities":[{"cveID":"CVE-2024-1","dateAdded":"2024-01-02"}]}"#;
        assert!(parse_as("cisa-kev", "known.json", kev).unwrap().claimed);
        assert!(parse_as("nobody", "x", b"").is_none());
        assert_eq!(unpack("x", b"plain").files, [("x".to_owned(), 5)]);
        assert_eq!(parse_repomd(b"<repomd/>"), Ok(None));
    }
}
