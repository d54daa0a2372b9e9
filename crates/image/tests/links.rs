//! Links whose names say package metadata: told while they lead to a file that nobody read, and no longer.

mod support;

use layergate_model::GapKind;
use support::image;

const STATUS: &str = "var/lib/dpkg/status";

#[test]
fn a_link_is_told_while_it_leads_to_what_was_not_read() {
    let link = format!("l {STATUS} /opt/blob\ngap unread_link {STATUS}");
    let directory = format!("l var/lib/dpkg /opt/d\ngap unread_link {STATUS}");
    let hard = format!("h {STATUS} opt/blob\ngap unread_link {STATUS}");
    let read = format!("f {STATUS}: openssl 1");
    let cases: &[(&str, &[&str], bool)] = &[
        ("the file in the same layer", &[&format!("f opt/blob\n{link}")], true),
        ("in a layer below", &["f opt/blob", &link], true),
        ("in a layer above", &[&link, "f opt/blob"], true),
        ("through another link", &["l opt /srv\nf srv/blob", &link], true),
        ("a directory", &[&format!("f opt/d/status\n{directory}")], true),
        ("a directory, the file below", &["f opt/d/status", &directory], true),
        ("a hard link", &[&format!("f opt/blob\n{hard}")], true),
        ("to nothing", &[&link], false),
        ("to a directory", &[&format!("d opt/blob\n{link}")], false),
        ("to what a later layer deletes", &[&format!("f opt/blob\n{link}"), "w opt/blob"], false),
        ("deleted itself", &[&format!("f opt/blob\n{link}"), &format!("w {STATUS}")], false),
        ("replaced by the file itself", &[&format!("f opt/blob\n{link}"), &read], false),
        (
            "its directory replaced",
            &[&format!("f opt/d/status\n{directory}"), &format!("d var/lib/dpkg\n{read}")],
            false,
        ),
        ("in circles", &[&format!("l opt/blob /{STATUS}\n{link}")], false),
        ("to what was read", &["f opt/blob: a 1", &link], false),
    ];
    for (what, layers, told) in cases {
        let gaps = image(layers).gaps;
        assert_eq!(gaps.iter().any(|g| g.kind == GapKind::UnreadLink), *told, "{what}: {layers:#?} {gaps:?}");
    }
}
