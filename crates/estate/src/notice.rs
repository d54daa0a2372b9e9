//! What is reported of flips: one notice for each cause and team, with counts and the worst examples, never one for each image.
//!
//! A notice goes into the log with the flips that it tells of and stays in the outbox until its receiver has answered; its id
//! follows from the flips, so that a run that was cut off and comes again makes the same notices, and a receiver knows one that
//! it has had.

use std::collections::BTreeMap;

use jiff::Timestamp;
use layergate_model::{Digest, Verdict};
use layergate_policy::ImagePattern;
use serde::{Deserialize, Serialize};

use crate::{Cause, Flip};

/// Images that a notice names.
const NAMED: usize = 20;
/// Tries before a notice is given up.
pub(crate) const MOST_TRIES: u32 = 10;

/// Who is notified of which images.
#[derive(Clone, Debug)]
pub struct Team {
    /// Its name.
    pub name: String,
    /// Its images; none means all.
    pub images: Vec<ImagePattern>,
}

impl Team {
    fn concerns(&self, reference: &str) -> bool {
        self.images.is_empty() || self.images.iter().any(|p| p.matches(reference))
    }
}

/// One notice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// What it is known again by.
    pub id: Digest,
    /// Who is notified.
    pub team: String,
    /// Why the verdicts changed.
    pub cause: Cause,
    /// The verdict now.
    pub to: Verdict,
    /// Images with that verdict for that cause.
    pub count: usize,
    /// Images of the team.
    pub of: usize,
    /// Some of them, by name.
    pub images: Vec<String>,
    /// The same in a sentence.
    pub text: String,
    /// When it was found.
    pub at: Timestamp,
    /// Tries so far that had no answer.
    #[serde(default)]
    pub tries: u32,
}

/// The notices of a run's flips. `watched` are the references of all watched images.
pub fn notices<'r>(flips: &[Flip], teams: &[Team], watched: impl Iterator<Item = &'r str>) -> Vec<Notice> {
    let mut of = vec![0usize; teams.len()];
    for reference in watched {
        for (count, team) in of.iter_mut().zip(teams) {
            *count += usize::from(team.concerns(reference));
        }
    }
    let mut out = Vec::new();
    for (team, of) in teams.iter().zip(of) {
        let mut groups: BTreeMap<(&Cause, Verdict), Vec<&Flip>> = BTreeMap::new();
        for flip in flips.iter().filter(|flip| team.concerns(&flip.image)) {
            groups.entry((&flip.cause, flip.to)).or_default().push(flip);
        }
        for ((cause, to), mut group) in groups {
            group.sort_by(|a, b| a.image.cmp(&b.image));
            let ids: Vec<String> = group.iter().map(|f| f.id.to_string()).collect();
            let id = Digest::of(format!("{}\n{}", team.name, ids.join("\n")).as_bytes());
            let Some(at) = group.iter().map(|f| f.at).max() else { continue };
            let count = group.len();
            out.push(Notice {
                id,
                team: team.name.clone(),
                cause: cause.clone(),
                to,
                count,
                of,
                images: group.iter().take(NAMED).map(|f| f.image.clone()).collect(),
                text: sentence(count, of, to, cause),
                at,
                tries: 0,
            });
        }
    }
    out
}

/// `12 of 84211 images now fail because of CVE-2026-1`.
fn sentence(count: usize, of: usize, to: Verdict, cause: &Cause) -> String {
    let (noun, verb) = match (of, count, to) {
        (1, ..) => (
            "image",
            if to == Verdict::Error {
                "has no verdict"
            } else if to == Verdict::Fail {
                "fails"
            } else {
                "passes"
            },
        ),
        (_, 1, Verdict::Error) => ("images", "has no verdict"),
        (_, 1, Verdict::Fail) => ("images", "fails"),
        (_, 1, Verdict::Pass) => ("images", "passes"),
        (_, _, Verdict::Error) => ("images", "have no verdict"),
        (_, _, Verdict::Fail) => ("images", "fail"),
        (_, _, Verdict::Pass) => ("images", "pass"),
    };
    let kind = serde_json::to_value(cause.kind).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default();
    match kind.as_str() {
        "advisory" | "signal" => format!("{count} of {of} {noun} now {verb} because of {}", cause.id),
        kind => format!("{count} of {of} {noun} now {verb}: {} ({})", kind.replace('-', " "), cause.id),
    }
}

impl Notice {
    /// Whether it is given up when the next try fails too.
    pub const fn is_last_try(&self) -> bool {
        self.tries + 1 >= MOST_TRIES
    }

    /// The notice as a CloudEvent (version 1.0, structured JSON).
    pub fn cloud_event(&self) -> serde_json::Value {
        serde_json::json!({
            "specversion": "1.0",
            "id": self.id,
            "source": "/layergate/estate",
            "type": "io.layergate.estate.flips.v1",
            "subject": self.team,
            "time": self.at,
            "datacontenttype": "application/json",
            "data": {
                "team": self.team,
                "cause": self.cause,
                "to": self.to,
                "count": self.count,
                "of": self.of,
                "images": self.images,
                "text": self.text,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CauseKind, RunId, RunKind};

    fn flip(image: &str, id: &str) -> Flip {
        Flip {
            id: Digest::of(format!("{image} {id}").as_bytes()),
            run: RunId::new(Timestamp::UNIX_EPOCH, RunKind::Rescan, 0),
            image: image.into(),
            digest: Digest::of(b"m"),
            platform: None,
            from: Verdict::Pass,
            to: Verdict::Fail,
            cause: Cause { kind: CauseKind::Advisory, id: id.into() },
            at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_notice_is_tried_ten_times_and_known_again_afterwards() {
        use crate::{Event, State};
        let team = Team { name: "web".into(), images: Vec::new() };
        let notice = notices(&[flip("r.example/web/a:1", "CVE-1")], &[team], std::iter::empty()).remove(0);
        let mut state = State::default();
        for tries in 0..MOST_TRIES {
            state.apply(Event::Noticed(Box::new(notice.clone())));
            let waiting = state.waiting();
            assert_eq!((waiting.len(), waiting[0].tries, waiting[0].is_last_try()), (1, tries, tries == 9));
            let (id, team, at) = (notice.id, notice.team.clone(), notice.at);
            state.apply(Event::Told { id, team, at, failure: Some("503".into()) });
        }
        state.apply(Event::Noticed(Box::new(notice)));
        assert!(state.waiting().is_empty() && state.outbox.is_empty(), "given up, and nothing is left of it");
    }

    #[test]
    fn one_for_each_cause_and_team() {
        let team = |name: &str| Team {
            name: name.into(),
            images: vec![ImagePattern::new(&format!("r.example/{name}/*")).unwrap()],
        };
        let mut flips: Vec<Flip> = (0..30).map(|n| flip(&format!("r.example/web/a{n}:1"), "CVE-1")).collect();
        flips.push(flip("r.example/web/a1:1", "CVE-2"));
        flips.push(flip("r.example/pay/b:1", "CVE-1"));
        let watched = || flips.iter().map(|f| f.image.as_str());
        let notified = notices(&flips, &[team("web"), team("pay"), team("none")], watched());
        let shown: Vec<String> = notified.iter().map(|n| format!("{}: {}", n.team, n.text)).collect();
        assert_eq!(
            shown,
            [
                "web: 30 of 31 images now fail because of CVE-1",
                "web: 1 of 31 images now fails because of CVE-2",
                "pay: 1 of 1 image now fails because of CVE-1",
            ]
        );
        assert_eq!(notified[0].images.len(), NAMED);
        assert_eq!(notices(&flips, &[team("web")], watched())[0].id, notified[0].id, "the same flips, the same notice");
        let event = notified[0].cloud_event();
        assert_eq!(
            (&event["specversion"], &event["data"]["count"]),
            (&serde_json::json!("1.0"), &serde_json::json!(30))
        );
    }
}
