//! Names that are no evidence of anything: idempotency keys, names of snapshots' copies, jobs' ids.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use layergate_tests::{
    fleet::Fleet,
    layout::Image,
    program::{Program, Run, fixture},
    recipe::Recipe,
    servers::http,
};
use serde_json::{Value, json};

fn sample(name: &str) -> Image {
    Image::build(&Recipe::read(fixture(&format!("recipes/{name}.toml")).as_ref()).unwrap()).unwrap()
}

#[test]
fn an_idempotency_key_is_its_tenants_and_stands_for_one_submission() {
    let Some(mut fleet) = Fleet::new(1) else { return };
    let (kiosk, shop) =
        (fleet.push("team/kiosk", "v1", &sample("kiosk")), fleet.push("team/shop", "v1", &sample("shop")));
    let coordinator = fleet.coordinator(0, &[]);
    let _worker = fleet.worker(0, &[]);
    fleet.ready(&[&coordinator]);
    let submit = |body: &Value| {
        let json = [("content-type", "application/json")];
        let (status, _, answer) =
            http(fleet.ports[0], "POST", "/api/v1/jobs", &json, body.to_string().as_bytes()).unwrap();
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        (status, answer["job"].as_str().unwrap_or_default().to_owned(), answer["error"].to_string())
    };
    let body = |image: &str, tenant: &str| json!({"image": image, "tenant": tenant, "idempotency_key": "build-17"});
    let (status, first, _) = submit(&body(&kiosk, "a"));
    assert_eq!(status, 202);
    assert_eq!(submit(&body(&kiosk, "a")).1, first, "the same again is the same job");
    let passed = fleet.verdict(&first, 60).unwrap();
    assert_eq!(passed["verdict"], "pass");
    // Another body under the key, whatever differs in it.
    let stricter = json!({"image": kiosk, "tenant": "a", "idempotency_key": "build-17", "policy": {"fail_on": "low"}});
    let platforms = json!({"image": kiosk, "tenant": "a", "idempotency_key": "build-17", "platforms": "all"});
    for other in [body(&shop, "a"), stricter, platforms] {
        let (status, job, error) = submit(&other);
        assert_eq!(status, 409, "{other}: {error}");
        assert!(job.is_empty(), "{other}");
    }
    // Another tenant's key of the same name is another key, and what was submitted under it is judged.
    let (status, theirs, _) = submit(&body(&shop, "b"));
    assert_eq!(status, 202);
    assert_ne!(theirs, first);
    let verdict = fleet.verdict(&theirs, 60).unwrap();
    assert_eq!((&verdict["verdict"], &verdict["reference"]), (&"fail".into(), &Value::from(shop)));
}

#[test]
fn a_coordinators_copy_of_a_snapshot_is_hashed_before_it_judges() {
    let Some(mut fleet) = Fleet::new(1) else { return };
    let image = fleet.push("team/shop", "v1", &sample("shop"));
    let mut coordinator = fleet.coordinator(0, &[]);
    let _worker = fleet.worker(0, &[]);
    fleet.ready(&[&coordinator]);
    let (run, report) = fleet.scan(&image, &[]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    let pins = report["inputs"]["snapshot"].clone();
    let copies = fleet.coordinator_cache(0).join("fleet-snapshots");
    let copy = fs::read_dir(&copies)
        .unwrap()
        .map(|e| e.unwrap().path())
        .find(|p| p.extension().is_some_and(|e| e == "snapshot"));
    let copy = copy.expect("the coordinator keeps a copy");
    let whole = fs::read(&copy).unwrap();
    for damage in ["a byte", "cut", "empty"] {
        coordinator.terminate();
        assert!(coordinator.ended(std::time::Duration::from_secs(60)).is_some());
        let mut bytes = whole.clone();
        match damage {
            "a byte" => *bytes.last_mut().unwrap() ^= 1,
            "cut" => bytes.truncate(whole.len() / 2),
            _ => bytes.clear(),
        }
        fs::write(&copy, bytes).unwrap();
        coordinator = fleet.coordinator(0, &[]);
        fleet.ready(&[&coordinator]);
        // Another wish than before, so that it is judged and not only looked up.
        let wish = match damage {
            "a byte" => "critical",
            "cut" => "medium",
            _ => "low",
        };
        let (run, report) = fleet.scan(&image, &["--fail-on", wish]);
        assert_eq!((run.code, &report["inputs"]["snapshot"]), (1, &pins), "{damage}: {}", run.stderr);
        assert!(fs::read(&copy).unwrap() == whole, "{damage}: the copy was fetched again");
    }
}

#[test]
fn the_data_directorys_snapshot_is_what_its_name_says() {
    let program = Program::default();
    let data = program.home.path().join(".local/share/layergate/snapshots");
    fs::create_dir_all(&data).unwrap();
    let built = data.join("built");
    let run = program.run(["db", "build", "--from", &fixture("advisories"), "--output", built.to_str().unwrap()]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let whole = fs::read(&built).unwrap();
    let name = format!("{}.lgdb", layergate_tests::layout::digest(&whole).replace(':', "-"));
    let file = data.join(&name);
    fs::rename(built, &file).unwrap();
    fs::write(data.join("current"), &name).unwrap();
    let image = format!("oci:{}", fixture("images/shop"));
    let scan = || program.run(["scan", "--offline", "--quiet", &image]);
    assert_eq!(scan().code, 1);
    assert!(data.join(format!("{name}.proof")).exists(), "hashed once");
    assert_eq!(scan().code, 1);
    let mut byte = whole.clone();
    *byte.last_mut().unwrap() ^= 1;
    for (damage, bytes) in [("a byte", byte), ("cut", whole[..whole.len() / 2].to_vec()), ("empty", Vec::new())] {
        // In place, and with its old time: only the kernel knows.
        let modified = fs::metadata(&file).and_then(|m| m.modified()).unwrap();
        fs::write(&file, bytes).unwrap();
        fs::File::options().write(true).open(&file).unwrap().set_modified(modified).unwrap();
        let run = scan();
        assert_eq!(run.code, 3, "{damage}: {}", run.stderr);
        assert!(run.stderr.contains("changed or cut") && run.stderr.contains("db update"), "{damage}: {}", run.stderr);
        fs::write(&file, &whole).unwrap();
        assert_eq!(scan().code, 1, "{damage}: whole again");
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.flat_map(|e| if e.path().is_dir() { files(&e.path()) } else { vec![e.path()] }).collect()
}

/// What lies in a cache: the verdict is that of a scan without one, whoever may write there and whatever has become of
/// it.
#[test]
fn a_cache_that_cannot_be_believed_is_not() {
    let program = Program::default();
    let home = program.home.path();
    let (db, image) = (fixture("advisories"), format!("oci:{}", fixture("images/shop")));
    let scan = |cache: &Path| -> Run {
        program.run(["scan", "--offline", "--db", &db, "--cache-dir", cache.to_str().unwrap(), &image])
    };
    let root = fs::metadata("/proc/self").unwrap().uid() == 0;
    type Damage = fn(&Path);
    let rows: &[(&str, bool, Damage)] = &[
        ("written by all", true, |cache| fs::set_permissions(cache, fs::Permissions::from_mode(0o777)).unwrap()),
        ("of another user", true, |cache| std::os::unix::fs::chown(cache, Some(1234), Some(1234)).unwrap()),
        ("a link to another user's", true, |cache| {
            let real = cache.with_extension("real");
            fs::rename(cache, &real).unwrap();
            std::os::unix::fs::chown(&real, Some(1234), Some(1234)).unwrap();
            symlink(&real, cache).unwrap();
        }),
        ("a file", true, |cache| {
            fs::remove_dir_all(cache).unwrap();
            fs::write(cache, b"").unwrap();
        }),
        ("gone", false, |cache| fs::remove_dir_all(cache).unwrap()),
        ("records of nothing", false, |cache| files(cache).iter().for_each(|f| fs::write(f, b"").unwrap())),
        ("records cut", false, |cache| {
            for file in files(cache) {
                let bytes = fs::read(&file).unwrap();
                fs::write(file, &bytes[..bytes.len() / 2]).unwrap();
            }
        }),
        ("records that are directories", false, |cache| {
            for file in files(cache) {
                fs::remove_file(&file).unwrap();
                fs::create_dir(file).unwrap();
            }
        }),
        ("records that are pipes", false, |cache| {
            for file in files(cache) {
                fs::remove_file(&file).unwrap();
                assert!(Command::new("mkfifo").arg(file).status().unwrap().success());
            }
        }),
        ("records of another user", false, |cache| {
            files(cache).iter().for_each(|f| std::os::unix::fs::chown(f, Some(1234), Some(1234)).unwrap());
        }),
    ];
    for (name, reported, damage) in rows {
        let cache = home.join(name.replace(' ', "-"));
        fs::create_dir(&cache).unwrap();
        fs::set_permissions(&cache, fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(scan(&cache).code, 1, "{name}");
        assert!(!files(&cache).is_empty(), "{name}: nothing was kept");
        if name.contains("another user") && !root {
            println!("skipped: {name} needs root");
            continue;
        }
        damage(&cache);
        let before = files(&cache).len();
        let run = scan(&cache);
        assert_eq!(run.code, 1, "{name}: {}", run.stderr);
        assert!(!reported || run.stderr.contains(cache.to_str().unwrap()), "{name}: {}", run.stderr);
        assert!(!reported || files(&cache).len() <= before, "{name}: written to");
    }
}

/// Under whatever umask (GitLab's runners have none) what is made is this user's alone, and believed the next time.
#[test]
fn a_cache_of_ones_own_is_made_for_this_user_alone() {
    let program = Program::default();
    let (db, image) = (fixture("advisories"), format!("oci:{}", fixture("images/shop")));
    for _ in 0..2 {
        let mut shell = Command::new("sh");
        let script = "umask 000; exec \"$0\" scan --offline --db \"$1\" \"$2\"";
        shell.args(["-c", script]).arg(layergate_tests::program::binary()).args([&db, &image]);
        let run = program.finish(shell.env("HOME", program.home.path()));
        assert_eq!(run.code, 1, "{}", run.stderr);
        assert!(!run.stderr.contains("is not believed"), "{}", run.stderr);
    }
    for made in ["layers", "reports", "compiled"] {
        let mode = fs::metadata(program.home.path().join(".cache/layergate").join(made)).unwrap().mode();
        assert_eq!(mode & 0o077, 0, "{made}");
    }
}

/// Without a home, with one that cannot be written, and from a directory that cannot be: the scan is the same, and
/// nothing is left in the working directory.
#[test]
fn a_scan_needs_no_home() {
    let program = Program::default();
    let (db, image) = (fixture("advisories"), format!("oci:{}", fixture("images/shop")));
    for (home, xdg) in [(None, None), (Some("/nonexistent"), None), (Some(""), None), (Some("/proc"), Some("relative"))]
    {
        let work = tempfile::tempdir().unwrap();
        let temporary = tempfile::tempdir().unwrap();
        for _ in 0..2 {
            let mut command = program.command(["scan", "--offline", "--db", &db, &image]);
            command.current_dir(work.path()).env_remove("HOME").env("TMPDIR", temporary.path());
            command.envs(home.map(|h| ("HOME", h))).envs(xdg.map(|x| ("XDG_CACHE_HOME", x)));
            let run = program.finish(&mut command);
            assert_eq!(run.code, 1, "{home:?}: {}", run.stderr);
        }
        assert_eq!(fs::read_dir(work.path()).unwrap().count(), 0, "{home:?}");
    }
}
