//! Lists of names in pages: to their end, or an error. A list that is shorter than it should be would call images gone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use layergate_model::{Registry, RepoPath, Tag};
use support::*;

/// Pages by what is asked for: the body, and `Link` headers.
type Pages = &'static [(&'static str, &'static str, &'static [&'static str])];

const FIRST: &str = "/v2/_catalog?n=1000";

#[tokio::test]
async fn a_catalogue_is_read_to_its_end_or_is_an_error() {
    let cases: &[(&str, Pages, Result<&[&str], &str>)] = &[
        ("one page", &[(FIRST, r#"{"repositories":["a","b"]}"#, &[])], Ok(&["a", "b"])),
        ("no repository", &[(FIRST, r#"{"repositories":null}"#, &[])], Ok(&[])),
        ("no list", &[(FIRST, r#"{"errors":[]}"#, &[])], Err("cannot be read")),
        (
            "an empty page in the middle",
            &[
                (FIRST, r#"{"repositories":["a"]}"#, &["</v2/_catalog?last=a>; rel=\"next\""]),
                ("/v2/_catalog?last=a", r#"{"repositories":[]}"#, &["</v2/_catalog?last=b>; rel=\"next\""]),
                ("/v2/_catalog?last=b", r#"{"repositories":["c"]}"#, &[]),
            ],
            Ok(&["a", "c"]),
        ),
        (
            "the next page in the second header",
            &[
                (FIRST, r#"{"repositories":["a"]}"#, &["</help>; rel=help", "</v2/_catalog?last=a>; rel=next"]),
                ("/v2/_catalog?last=a", r#"{"repositories":["b"]}"#, &[]),
            ],
            Ok(&["a", "b"]),
        ),
        (
            "a page that names itself",
            &[(FIRST, r#"{"repositories":["a"]}"#, &["</v2/_catalog?n=1000>; rel=next"]), ("", "", &[])],
            Err("again and again"),
        ),
        (
            "empty pages without end",
            &[
                (FIRST, r#"{"repositories":["a"]}"#, &["</v2/_catalog?last=a>; rel=next"]),
                ("/v2/_catalog?last=a", r#"{"repositories":[]}"#, &["</v2/_catalog?last=b>; rel=next"]),
                ("/v2/_catalog?last=b", r#"{"repositories":[]}"#, &["</v2/_catalog?last=a>; rel=next"]),
            ],
            Err("again and again"),
        ),
        (
            "a path that looks like another server",
            &[
                (FIRST, r#"{"repositories":["a"]}"#, &["<http://r.example//127.0.0.1:1/v2/_catalog?last=a>; rel=next"]),
                ("//127.0.0.1:1/v2/_catalog?last=a", r#"{"repositories":["b"]}"#, &[]),
            ],
            Ok(&["a", "b"]),
        ),
        (
            "a next page that is no URL",
            &[(FIRST, r#"{"repositories":["a"]}"#, &["<http://[/>; rel=next"])],
            Err("cannot be named"),
        ),
    ];
    for (name, pages, want) in cases {
        let pages: Pages = pages;
        let server = Server::start(move |request| match pages.iter().find(|(path, ..)| *path == request.path) {
            Some((_, body, links)) => {
                links.iter().fold(Reply::new(200, *body), |reply, link| reply.header("Link", link))
            }
            None => Reply::new(404, "{}"),
        });
        let listed = sources().repositories(&Registry::new(&server.address).unwrap()).await;
        match (listed, want) {
            (Ok(listed), Ok(want)) => {
                let names: Vec<&str> = listed.names.iter().map(RepoPath::as_str).collect();
                assert_eq!(names, *want, "{name}");
            }
            (Err(error), Err(want)) => assert!(error.to_string().contains(want), "{name}: {error}"),
            (listed, want) => panic!("{name}: {listed:?}, not {want:?}"),
        }
    }
}

#[tokio::test]
async fn tags_are_read_the_same_way() {
    for (body, want) in
        [(r#"{"name":"a","tags":["1"]}"#, Some(1)), (r#"{"name":"a","tags":null}"#, Some(0)), ("{}", None)]
    {
        let server = Server::start(move |_| Reply::new(200, body));
        let listed = sources().tags(&Registry::new(&server.address).unwrap(), &RepoPath::new("a").unwrap()).await;
        assert_eq!(listed.map(|l| l.names.iter().map(Tag::as_str).count()).ok(), want, "{body}");
    }
}
