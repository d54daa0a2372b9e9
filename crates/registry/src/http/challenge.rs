//! `WWW-Authenticate` (RFC 9110, 11.6.1): which scheme a registry wants, and where its token service is.
//!
//! Several challenges may stand in one header or in several; `Bearer` is preferred to `Basic`. Everything else is
//! unknown here (NTLM, Negotiate). Headers over 8 KiB are not read.

const MAX_HEADER: usize = 8 << 10;

/// What a registry wants to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// A user name and a password with every request.
    Basic,
    /// A token from the service at `realm`.
    Bearer {
        /// The token service's URL.
        realm: String,
        /// Its name for the registry.
        service: Option<String>,
        /// What the registry says is to be asked for; behind a proxy it has another name than the repository.
        scope: Option<String>,
    },
}

/// The best challenge of the headers; `None` where no known scheme is among them.
pub(crate) fn choose<'a>(headers: impl Iterator<Item = &'a str>) -> Option<Challenge> {
    let all: Vec<_> = headers.filter(|h| h.len() <= MAX_HEADER).flat_map(parse).collect();
    all.iter().find(|c| matches!(c, Challenge::Bearer { .. })).or_else(|| all.first()).cloned()
}

fn parse(header: &str) -> Vec<Challenge> {
    let mut found = Vec::new();
    let mut scheme = String::new();
    let mut params: Vec<(String, String)> = Vec::new();
    let mut rest = header.trim_start();
    while !rest.is_empty() {
        let end = rest.find([' ', ',', '=']).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        if let Some(value) = after.strip_prefix('=') {
            let (value, after) = value_of(value);
            params.push((word.to_ascii_lowercase(), value));
            rest = after;
        } else {
            if !word.is_empty() {
                finish(&scheme, &mut params, &mut found);
                scheme = word.to_ascii_lowercase();
            }
            rest = after;
        }
        rest = rest.trim_start_matches([' ', ',', '\t']);
        if rest.starts_with('=') {
            rest = &rest[1..];
        }
    }
    finish(&scheme, &mut params, &mut found);
    found
}

fn finish(scheme: &str, params: &mut Vec<(String, String)>, found: &mut Vec<Challenge>) {
    let mut take = |name: &str| params.iter().position(|(n, _)| n == name).map(|i| params.swap_remove(i).1);
    match scheme {
        "basic" => found.push(Challenge::Basic),
        "bearer" => {
            if let Some(realm) = take("realm") {
                let some = |text: Option<String>| text.filter(|t| !t.is_empty());
                found.push(Challenge::Bearer { realm, service: some(take("service")), scope: some(take("scope")) });
            }
        }
        _ => {}
    }
    params.clear();
}

/// A token or a quoted string, and what comes after it.
fn value_of(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ' ']).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((i, c)) = chars.next() {
        match c {
            '"' => return (value, &quoted[i + 1..]),
            '\\' => value.extend(chars.next().map(|(_, c)| c)),
            c => value.push(c),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_seen_in_the_wild_and_worse() {
        let bearer = |realm: &str, service: Option<&str>| {
            Some(Challenge::Bearer { realm: realm.into(), service: service.map(str::to_owned), scope: None })
        };
        for (headers, want) in [
            (
                &[
                    r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push""#,
                ][..],
                Some(Challenge::Bearer {
                    realm: "https://auth.docker.io/token".into(),
                    service: Some("registry.docker.io".into()),
                    scope: Some("repository:a/b:pull,push".into()),
                }),
            ),
            (&[r#"Bearer scope="",service="s",realm="https://t""#], bearer("https://t", Some("s"))),
            (&[r#"Basic realm="Registry""#], Some(Challenge::Basic)),
            (&["basic"], Some(Challenge::Basic)),
            (&[r#"Basic realm="x", Bearer realm="https://t""#], bearer("https://t", None)),
            (&["Negotiate", r#"Basic realm="x""#, "Bearer realm=https://t"], bearer("https://t", None)),
            (&[r#"BEARER REALM="https://t" , error="invalid_token""#], bearer("https://t", None)),
            (&[r#"Bearer realm="a\"b"#], bearer("a\"b", None)),
            (&["Bearer service=x"], None),
            (&["NTLM"], None),
            (&[""], None),
            (&["====,,,  = \"", "\"\\", "Bearer ="], None),
        ] {
            assert_eq!(choose(headers.iter().copied()), want, "{headers:?}");
        }
        let long = format!("Bearer realm=\"https://{}\"", "x".repeat(MAX_HEADER));
        assert_eq!(choose([long.as_str()].into_iter()), None);
    }

    proptest::proptest! {
        #[test]
        fn any_header_is_survived(text in "[ -~é]{0,60}", parts in "(Bearer|Basic|realm|=|,|\"| |\\\\|x){0,20}") {
            choose([text.as_str(), parts.as_str()].into_iter());
        }
    }
}
