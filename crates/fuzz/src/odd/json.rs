//! Manifests, indexes and configurations whose keys, values or ends are odd.

use super::Choices;

const DIGESTS: [&str; 3] = [
    "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "sha256:0000000000000000000000000000000000000000000000000000000000000001",
];

/// A manifest or an index.
pub fn manifest(c: &mut Choices<'_>) -> Vec<u8> {
    let index = c.one_in(2);
    let kind =
        if index { "application/vnd.oci.image.index.v1+json" } else { "application/vnd.oci.image.manifest.v1+json" };
    let mut fields = vec![(key(c, "schemaVersion"), "2".to_owned()), (key(c, "mediaType"), text(c, kind))];
    if index {
        fields.push((key(c, "manifests"), list(c)));
    } else {
        fields.push((key(c, "config"), descriptor(c)));
        fields.push((key(c, "layers"), list(c)));
    }
    match c.below(40) {
        0 => fields.push((key(c, "layers"), list(c))),
        1 => fields.push((key(c, "manifests"), list(c))),
        2 => fields.push((key(c, "config"), descriptor(c))),
        3 => fields.push((key(c, "annotations"), r#"{"Layers":"x","a":"1","a":"2"}"#.to_owned())),
        4 => fields.push((key(c, "subject"), descriptor(c))),
        _ => {}
    }
    let text = object(c, fields);
    framed(c, &text)
}

/// An image's configuration.
pub fn config(c: &mut Choices<'_>) -> Vec<u8> {
    let ids: Vec<String> = (0..c.below(3)).map(|_| text(c, c_digest(0))).collect();
    let rootfs = vec![(key(c, "type"), "\"layers\"".to_owned()), (key(c, "diff_ids"), format!("[{}]", ids.join(",")))];
    let rootfs = object(c, rootfs);
    let os = text(c, "linux");
    let architecture = text(c, "amd64");
    let mut fields = vec![(key(c, "os"), os), (key(c, "architecture"), architecture), (key(c, "rootfs"), rootfs)];
    if c.one_in(4) {
        fields.push((key(c, "os"), "\"windows\"".to_owned()));
    }
    if c.one_in(4) {
        fields.push((key(c, "config"), r#"{"user":"a","User":"b"}"#.to_owned()));
    }
    let text = object(c, fields);
    framed(c, &text)
}

fn c_digest(n: usize) -> &'static str {
    DIGESTS[n % DIGESTS.len()]
}

fn list(c: &mut Choices<'_>) -> String {
    if c.one_in(60) {
        return c.of(&["null", "{}", "\"\"", "[null]", "[[]]"]).to_owned();
    }
    let all: Vec<String> = (0..c.below(4)).map(|_| descriptor(c)).collect();
    format!("[{}]", all.join(","))
}

fn descriptor(c: &mut Choices<'_>) -> String {
    let digest = c.of(&DIGESTS);
    let kind = c.of(&["application/vnd.oci.image.layer.v1.tar", "application/vnd.oci.image.manifest.v1+json", ""]);
    let mut fields = vec![
        (key(c, "mediaType"), text(c, kind)),
        (key(c, "digest"), text(c, digest)),
        (
            key(c, "size"),
            if c.one_in(40) {
                c.of(&["-1", "2.0", "2e0", "\"2\"", "null", "9223372036854775808", "02"])
            } else {
                c.of(&["2", "0"])
            }
            .to_owned(),
        ),
    ];
    if c.one_in(2) {
        let os = c.of(&["linux", "Linux", "macos", "unknown", ""]);
        let architecture =
            c.of(&["amd64", "x86_64", "x86-64", "AMD64", "aarch64", "arm64", "armhf", "arm", "386", "i386", "unknown"]);
        let mut platform = vec![(key(c, "os"), text(c, os)), (key(c, "architecture"), text(c, architecture))];
        if c.one_in(2) {
            platform.push((key(c, "variant"), text(c, c_variant(c.bytes.len()))));
        }
        let platform = object(c, platform);
        fields.push((key(c, "platform"), platform));
    }
    match c.below(40) {
        0 => fields.push((key(c, "digest"), text(c, c_digest(1)))),
        1 => fields.push((key(c, "data"), "\"e30=\"".to_owned())),
        2 => fields.push((key(c, "urls"), "[\"https://example.org/\"]".to_owned())),
        3 => fields.push((key(c, "annotations"), "{\"Digest\":\"x\"}".to_owned())),
        _ => {}
    }
    object(c, fields)
}

fn c_variant(n: usize) -> &'static str {
    ["v8", "v7", "v1", "v2", "8", "7", "V8", ""][n % 8]
}

/// A key, now and then spelled so that only some readers know it.
fn key(c: &mut Choices<'_>, name: &str) -> String {
    if !c.one_in(100) {
        return name.to_owned();
    }
    match c.below(8) {
        0 => name.to_uppercase(),
        1 => name.to_lowercase(),
        2 => name.replacen('s', "\u{17f}", 1),
        3 => name.replacen('s', "\\u017f", 1),
        4 => format!("\\u{:04x}{}", name.as_bytes()[0], &name[1..]),
        5 => format!("{name} "),
        6 => name.replacen('k', "\u{212a}", 1),
        7 => name.chars().enumerate().map(|(i, l)| if i == 0 { l.to_ascii_uppercase() } else { l }).collect(),
        _ => name.to_owned(),
    }
}

/// A text, now and then of another type or with an escape.
fn text(c: &mut Choices<'_>, value: &str) -> String {
    if !c.one_in(80) {
        return format!("\"{value}\"");
    }
    match c.below(6) {
        0 => "null".to_owned(),
        1 => "1".to_owned(),
        2 => "[]".to_owned(),
        3 if !value.is_empty() => format!("\"\\u{:04x}{}\"", value.as_bytes()[0], &value[1..]),
        4 => format!("\"{value}\\u0000\""),
        5 => format!("\"{value}\\ud800\""),
        _ => format!("\"{value}\""),
    }
}

fn object(c: &mut Choices<'_>, mut fields: Vec<(String, String)>) -> String {
    if c.one_in(60) && fields.len() > 1 {
        let at = c.below(fields.len());
        let again = fields[at].clone();
        fields.push(again);
    }
    if c.one_in(6) {
        fields.reverse();
    }
    let parts: Vec<String> = fields.iter().map(|(k, v)| format!("\"{k}\":{v}")).collect();
    format!("{{{}}}", parts.join(","))
}

fn framed(c: &mut Choices<'_>, text: &str) -> Vec<u8> {
    match c.below(100) {
        0 => format!("\u{feff}{text}"),
        1 => format!("{text} {text}"),
        2 => format!("{text}\0"),
        3 => format!("/**/{text}"),
        4 => format!(" \n{text}\n\t"),
        5 => text.replacen('}', ",}", 1),
        6 => text.replacen("sha256", "sha\u{fffd}256", 1),
        _ => text.to_owned(),
    }
    .into_bytes()
}
