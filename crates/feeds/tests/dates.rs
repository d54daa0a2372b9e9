//! Of what day a feed is: its newest record, or its file where records have no dates.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, dead_code)]

mod support;

use std::{
    fs,
    io::Write,
    path::Path,
    time::{Duration, UNIX_EPOCH},
};

use layergate_advisory::Snapshot;
use layergate_feeds::{FetchLimits, Sources, UpdateOptions, build_from_dir, quiet, update};
use support::{Page, Server};

/// Debian's tracker, whose records have no dates.
const TRACKER: &str = r#"{"openssl":{"CVE-2026-5":{"description":"d","releases":{
 "bookworm":{"status":"open","repositories":{"bookworm":"3.0"},"urgency":"low"}}}}}"#;
const DATED: &str = r#"{"id":"GHSA-1","modified":"2024-05-06T00:00:00Z","affected":[{"package":{"ecosystem":"npm","name":"x"},
 "ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}]}]}"#;
/// 2025-02-03, 12:00.
const FILE: u64 = 1_738_584_000;
/// 2023-11-01.
const ENTRY: u64 = 1_698_796_800;

fn slip(id: &str) -> String {
    DATED.replace("2024-05-06", "2999-01-01").replace("GHSA-1", id)
}

fn tar(text: &str, mtime: u64) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(text.len() as u64);
    header.set_mode(0o644);
    header.set_mtime(mtime);
    builder.append_data(&mut header, "tracker.json", text.as_bytes()).unwrap();
    builder.into_inner().unwrap()
}

fn zip(text: &str, time: Option<zip::DateTime>) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().last_modified_time(time.unwrap_or_default());
    writer.start_file("tracker.json", options).unwrap();
    writer.write_all(text.as_bytes()).unwrap();
    writer.finish().unwrap().into_inner()
}

/// The days of the first feed: by records, by files.
fn days(snapshot: &Path) -> (Option<String>, Option<String>) {
    let snapshot = Snapshot::open(snapshot).unwrap();
    let feed = snapshot.feeds().iter().find(|f| f.records > 0).unwrap();
    (feed.newest.clone(), feed.fetched.clone())
}

#[test]
fn a_feed_without_dates_is_of_its_files_day() {
    let day = zip::DateTime::from_date_and_time(2022, 3, 4, 5, 6, 8).unwrap();
    for (name, bytes, want) in [
        ("a plain file", TRACKER.as_bytes().to_vec(), (None, Some("2025-02-03"))),
        ("an archive's entry", tar(TRACKER, ENTRY), (None, Some("2023-11-01"))),
        ("an entry without a time", tar(TRACKER, 0), (None, Some("2025-02-03"))),
        ("a zip's entry", zip(TRACKER, Some(day)), (None, Some("2022-03-04"))),
        ("a zip's entry of the first day of DOS", zip(TRACKER, None), (None, Some("2025-02-03"))),
        ("records with dates", DATED.as_bytes().to_vec(), (Some("2024-05-06"), None)),
        // A slip of the year shows nothing of how old a feed is.
        ("a day that has not come", format!("[{},{DATED}]", slip("GHSA-2")).into_bytes(), (Some("2024-05-06"), None)),
        ("nothing but such a day", slip("GHSA-2").into_bytes(), (None, Some("2025-02-03"))),
        ("an entry of such a day", tar(TRACKER, 4_102_444_800), (None, None)),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("feed.json");
        fs::write(&file, bytes).unwrap();
        let file = fs::File::options().write(true).open(&file).unwrap();
        file.set_modified(UNIX_EPOCH + Duration::from_secs(FILE)).unwrap();
        let output = tempfile::tempdir().unwrap();
        let output = output.path().join("s.lgdb");
        build_from_dir(dir.path(), &output).unwrap();
        let (newest, fetched) = days(&output);
        assert_eq!((newest.as_deref(), fetched.as_deref()), want, "{name}");
    }
}

#[tokio::test]
async fn a_download_keeps_its_upstreams_day() {
    let server = Server::start();
    let modified = Some("Wed, 01 Nov 2023 00:00:00 GMT".to_owned());
    server.page("/debian/tracker.json", Page { body: TRACKER.into(), modified, ..Page::default() });
    let text =
        format!("only = [\"own\"]\n[source.own]\nbase = \"{}/debian\"\nfiles = [\"tracker.json\"]\n", server.url);
    let home = tempfile::tempdir().unwrap();
    let options = UpdateOptions {
        mirror: home.path().join("mirror"),
        snapshots: home.path().join("snapshots"),
        current: None,
        sources: Sources::from_text(&text).unwrap(),
        limits: FetchLimits::default(),
        force: false,
        wait_for_others: Duration::from_secs(20),
    };
    let done = update(&options, quiet()).await.unwrap();
    assert_eq!(days(&done.snapshot), (None, Some("2023-11-01".into())), "a mirror that broke then is reported");
}
