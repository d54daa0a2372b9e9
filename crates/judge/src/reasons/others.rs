//! Reasons out of secrets, licenses and checks.

use std::{cmp::Reverse, collections::BTreeMap};

use layergate_model::{Check, Effect, Reason, Secret, one_line};

use super::reason;
use crate::{
    items::{Item, Refused},
    text::{count, listed},
};

fn by_effect<'a, T>(items: &'a [Item<'a, T>]) -> BTreeMap<Reverse<Effect>, Vec<&'a T>> {
    let mut out: BTreeMap<Reverse<Effect>, Vec<&T>> = BTreeMap::new();
    for item in items.iter().filter(|i| i.effect > Effect::Ignore) {
        out.entry(Reverse(item.effect)).or_default().push(&item.value);
    }
    out
}

pub(super) fn secrets(items: &[Item<'_, Secret>]) -> Vec<Reason> {
    by_effect(items)
        .into_iter()
        .map(|(Reverse(effect), group)| {
            let names: Vec<String> = group
                .iter()
                .map(|s| match s.line {
                    0 => format!("{} ({})", s.title, one_line(&s.path, 120)),
                    n => format!("{} ({}:{n})", s.title, one_line(&s.path, 120)),
                })
                .collect();
            let what = count(group.len(), "secret lies", "secrets lie");
            reason("secret", effect, format!("{what} in the image: {}", listed(&names, 4, ", ")), Vec::new())
        })
        .collect()
}

pub(super) fn checks(items: &[Item<'_, Check>]) -> Vec<Reason> {
    by_effect(items)
        .into_iter()
        .map(|(Reverse(effect), mut group)| {
            group.sort_by_key(|c| Reverse(c.severity));
            let names: Vec<String> =
                group.iter().map(|c| format!("{} ({})", one_line(&c.title, 120), one_line(&c.location, 120))).collect();
            let what = count(group.len(), "check is", "checks are");
            reason("check", effect, format!("{what} not met: {}", listed(&names, 4, ", ")), Vec::new())
        })
        .collect()
}

pub(super) fn licenses(refused: &[Refused<'_>]) -> Vec<Reason> {
    let mut groups: BTreeMap<(Reverse<Effect>, bool), Vec<String>> = BTreeMap::new();
    for r in refused {
        let name = one_line(&r.package.package.name, 120);
        let text =
            if r.licenses.is_empty() { name } else { format!("{name} ({})", one_line(&r.licenses.join(", "), 120)) };
        groups.entry((Reverse(r.effect), r.licenses.is_empty())).or_default().push(text);
    }
    groups
        .into_iter()
        .map(|((Reverse(effect), unknown), mut names)| {
            names.dedup();
            let what = match (unknown, names.len()) {
                (true, n) => count(n, "package has no known license", "packages have no known license"),
                (false, n) => count(
                    n,
                    "package has a license that the policy does not accept",
                    "packages have licenses that the policy does not accept",
                ),
            };
            reason("license", effect, format!("{what}: {}", listed(&names, 5, ", ")), Vec::new())
        })
        .collect()
}
