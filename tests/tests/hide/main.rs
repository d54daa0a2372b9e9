//! Hide a package: what somebody who builds an image can do so that the container has a package and a scanner does not see
//! it. Each row is an image that a runtime starts with the package in it, and what must be said: the package, or a gap that
//! makes the verdict an error, or a refusal. None may pass.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod archives;
mod claims;
mod documents;
mod headers;
mod overlays;
mod paths;
mod way;

use way::{Image, LODASH, Says, Way, base};

#[test]
fn the_base_passes_and_the_plain_package_fails() {
    let (code, report) = way::scan(&Image::of(vec![base()]));
    assert_eq!((code, report["verdict"].as_str()), (0, Some("pass")), "{report}");
    Way::new("in the open", vec![base(), way::app(LODASH)], Says::Listed).check().unwrap();
}

#[test]
fn no_way_to_hide_a_package_ends_in_a_pass() {
    let ways: Vec<Way> =
        [headers::ways(), archives::ways(), documents::ways(), overlays::ways(), claims::ways(), paths::ways()]
            .into_iter()
            .flatten()
            .collect();
    let count = ways.len();
    let names: std::collections::BTreeSet<_> = ways.iter().map(|w| w.name).collect();
    assert_eq!(names.len(), count, "two ways have one name");
    assert!(count >= 60, "{count}");
    let wrong: Vec<String> = ways.iter().filter_map(|way| way.check().err()).collect();
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    println!("{count} ways to hide a package, none passed");
}
