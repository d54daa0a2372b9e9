//! FIRST's EPSS scores (epss.empiricalsecurity.com): CSV of CVE, probability and percentile. Older files have no
//! percentile and no comment line with the date.

use layergate_advisory::{Day, Record};
use layergate_model::Signal;

use crate::feed::{Feed, FeedFile, FeedRow, Sink};

pub(crate) struct Epss;

const ROWS: &[FeedRow] = &[FeedRow {
    id: "epss",
    name: "FIRST EPSS",
    url: "https://epss.empiricalsecurity.com/epss_scores-current.csv.gz",
    license: "LicenseRef-FIRST-EPSS",
}];
/// Bad lines reported one by one; a file with more is not EPSS.
const MAX_BAD: usize = 20;

impl Feed for Epss {
    fn id(&self) -> &'static str {
        "epss"
    }

    fn infos(&self) -> &'static [FeedRow] {
        ROWS
    }

    fn claims(&self, file: &FeedFile) -> bool {
        let head =
            String::from_utf8_lossy(file.bytes.get(..file.bytes.len().min(512)).unwrap_or_default()).into_owned();
        let mut lines = head.lines().filter(|l| !l.starts_with('#'));
        lines.next().is_some_and(|l| l.trim() == "cve,epss" || l.trim().starts_with("cve,epss,"))
    }

    fn parse(&self, file: &FeedFile, sink: &mut Sink<'_>) {
        let text = file.text();
        let (mut day, mut bad) = (None, 0);
        for (number, line) in text.lines().enumerate() {
            if line.starts_with('#') {
                day = line.split_once("score_date:").and_then(|(_, d)| Day::parse(d));
                continue;
            }
            let mut columns = line.trim().split(',');
            let (Some(cve), Some(score)) = (columns.next(), columns.next()) else { continue };
            if cve == "cve" {
                continue;
            }
            match score.parse::<f64>() {
                Ok(score) if cve.starts_with("CVE-") && (0.0..=1.0).contains(&score) => {
                    let mut record = Record::new("epss", cve);
                    record.signals.push(Signal::epss((score * 1e6).round() as u32));
                    record.modified = day;
                    sink.record(record);
                }
                _ => {
                    bad += 1;
                    sink.problem(format!("line {}: {line:?} is no CVE with a probability", number + 1));
                    if bad >= MAX_BAD {
                        return sink.problem(format!("more than {MAX_BAD} bad lines; the rest was not read"));
                    }
                }
            }
        }
    }
}
