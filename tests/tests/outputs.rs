//! What stands in the documents of a run, and where: they say what the exit code says, an old one never stays in the
//! place of a new one, and files are written as they lie (links, mounts, pipes).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use layergate_tests::program::{FORMATS, Program, binary, fixture, scan, shop};
use serde_json::Value;

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&read(path)).unwrap_or_else(|e| panic!("{}: {e}: {}", path.display(), read(path)))
}

/// `-o FORMAT=FILE` for every format that may stand beside others, and the files.
fn all(program: &Program, formats: &[&str]) -> (Vec<String>, impl Fn(&str) -> PathBuf + use<>) {
    let home = program.home.path().to_owned();
    let file = move |format: &str| home.join(format!("report.{format}"));
    let arguments = formats.iter().flat_map(|f| ["-o".to_owned(), format!("{f}={}", file(f).display())]).collect();
    (arguments, file)
}

#[test]
fn an_image_that_could_not_be_scanned_is_in_every_document() {
    let several: Vec<&str> = FORMATS.into_iter().filter(|f| !["cyclonedx", "spdx"].contains(f)).collect();
    let good = format!("oci:{}", fixture("images/kiosk"));
    let db = fixture("advisories");
    // A missing image beside a good one; the good one alone, without anything to judge it by; nothing but a missing
    // one.
    for (images, db) in
        [(vec![good.as_str(), "oci:/no/where"], db.as_str()), (vec![&good], "/no/where"), (vec!["oci:/no/where"], &db)]
    {
        let program = Program::default();
        let (outputs, file) = all(&program, &several);
        for format in &several {
            fs::write(file(format), "green and of yesterday").unwrap();
        }
        let mut arguments = vec!["scan", "--offline", "--quiet", "--db", db];
        arguments.extend(outputs.iter().map(String::as_str).chain(images.iter().copied()));
        let run = program.run(&arguments);
        assert_eq!(run.code, 3, "{images:?} {db}: {}", run.stderr);
        let report = json(&file("json"));
        assert_eq!(report["verdict"], "error", "{report}");
        let bad = match report["reports"].as_array() {
            Some(reports) => {
                reports.iter().find(|r| r["image"]["reference"].as_str().unwrap().contains("no/where")).unwrap()
            }
            None => &report,
        };
        assert_eq!((&bad["verdict"], &bad["reasons"][0]["rule"]), (&"error".into(), &"not-scanned".into()));
        let junit = read(&file("junit"));
        assert!(junit.contains("<error ") && !junit.contains("errors=\"0\" skipped=\"0\">\n  <testsuite"), "{junit}");
        let sarif = json(&file("sarif"));
        assert_eq!(sarif["runs"].as_array().unwrap().len(), images.len());
        for run in sarif["runs"].as_array().unwrap() {
            assert_eq!(
                (&run["invocations"][0]["executionSuccessful"], &run["invocations"][0]["exitCode"]),
                (&false.into(), &3.into())
            );
        }
        let gitlab = json(&file("gitlab"));
        assert_eq!(gitlab["scan"]["status"], "failure");
        assert!(gitlab["scan"]["messages"].to_string().contains("\"fatal\""), "{gitlab}");
        for format in ["table", "markdown", "html"] {
            let text = read(&file(format));
            assert!(text.contains("could not be scanned") && text.contains("where"), "{format}: {text}");
        }
        for format in &several {
            assert!(!read(&file(format)).contains("yesterday"), "{format}");
        }
    }
}

/// However a run ends, yesterday's document is gone.
#[test]
fn no_document_of_an_earlier_run_stays() {
    let policy = "findings = 1\n";
    for (name, more, code) in [
        ("an image that is not there", vec!["oci:/no/where"], 3),
        ("advisories that are not there", vec!["--db", "/no/where"], 3),
        ("a policy that cannot be read", vec!["--policy", "policy.toml"], 2),
        ("a VEX document that is not there", vec!["--vex", "/no/where"], 2),
        ("a platform that is none", vec!["--platform", "x"], 2),
        ("a reference that is none", vec!["UPPER/case:x"], 2),
        ("a server that does not answer", vec!["--server", "http://127.0.0.1:1", "--api-token-file", "/no/where"], 2),
    ] {
        let program = Program::default();
        let (outputs, file) = all(&program, &FORMATS);
        fs::write(program.home.path().join("policy.toml"), policy).unwrap();
        for format in FORMATS {
            fs::write(file(format), "green and of yesterday").unwrap();
        }
        let db = fixture("advisories");
        let mut arguments = vec!["scan", "--offline", "--quiet"];
        if !more.contains(&"--db") && !more.contains(&"--server") {
            arguments.extend(["--db", &db]);
        }
        arguments.extend(outputs.iter().map(String::as_str).chain(more.iter().copied()));
        let image = shop();
        if !more.iter().any(|m| m.starts_with("oci:") || m.starts_with("UPPER")) {
            arguments.push(&image);
        }
        let run = program.run(&arguments);
        assert_eq!(run.code, code, "{name}: {}", run.stderr);
        for format in FORMATS {
            assert!(!read(&file(format)).contains("yesterday"), "{name}: {format}");
        }
    }
}

/// While it runs, and when it is killed in the middle of it and cannot write any more, the documents say that there is
/// no verdict, each in its own way.
#[test]
fn documents_of_a_scan_that_has_not_ended_are_errors() {
    let program = Program::default();
    let home = program.home.path();
    let pipe = home.join("advisories");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let (outputs, file) = all(&program, &FORMATS);
    // Some are there, some are new.
    for format in ["json", "cyclonedx", "junit"] {
        fs::write(file(format), "green and of yesterday").unwrap();
    }
    let image = shop();
    let mut arguments = vec!["scan", "--offline", "--db", pipe.to_str().unwrap(), &image];
    arguments.extend(outputs.iter().map(String::as_str));
    let mut child = program.command(arguments).spawn().unwrap();
    let last = file("openvex");
    for _ in 0..3000 {
        if !read(&last).is_empty() {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    for when in ["running", "killed"] {
        let (report, sarif, gitlab) = (json(&file("json")), json(&file("sarif")), json(&file("gitlab")));
        assert_eq!(
            (&report["verdict"], &report["image"]["reference"]),
            (&"error".into(), &image.clone().into()),
            "{when}"
        );
        assert!(report["reasons"][0]["text"].as_str().unwrap().contains("has not ended"), "{when}: {report}");
        let invocation = &sarif["runs"][0]["invocations"][0];
        assert_eq!((&invocation["executionSuccessful"], &invocation["exitCode"]), (&false.into(), &3.into()), "{when}");
        assert_eq!(gitlab["scan"]["status"], "failure", "{when}");
        assert!(read(&file("junit")).contains("<error "), "{when}: {}", read(&file("junit")));
        for format in ["table", "markdown", "html"] {
            assert!(read(&file(format)).contains("has not ended"), "{when} {format}: {}", read(&file(format)));
        }
        // A list of packages cannot say that it is none.
        for format in ["cyclonedx", "spdx"] {
            assert!(read(&file(format)).is_empty(), "{when} {format}");
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

#[test]
fn outputs_that_cannot_be_are_refused_before_the_scan() {
    let program = Program::default();
    let home = program.home.path();
    fs::create_dir(home.join("dir")).unwrap();
    symlink("one.json", home.join("link.json")).unwrap();
    symlink("dir", home.join("other")).unwrap();
    fs::write(home.join("first.json"), "").unwrap();
    fs::hard_link(home.join("first.json"), home.join("second.json")).unwrap();
    for (outputs, said) in [
        (&["json=no/such/directory/a.json"][..], "cannot be written"),
        (&["json=dir"], "is a directory"),
        (&["json", "table"], "two documents"),
        (&["json", "table=-"], "two documents"),
        (&["json", "table=/dev/stdout"], "two documents"),
        (&["json=one.json", "sarif=one.json"], "two documents"),
        (&["json=one.json", "sarif=./one.json"], "two documents"),
        (&["json=one.json", "sarif=link.json"], "two documents"),
        (&["json=dir/a.json", "sarif=other/a.json"], "two documents"),
        (&["json=first.json", "sarif=second.json"], "two documents"),
        (&["jsn"], "jsn"),
    ] {
        let outputs: Vec<&str> = outputs.iter().flat_map(|o| ["-o", o]).collect();
        let image = shop();
        let run = scan(&program, &[&outputs[..], &[&image]].concat());
        assert_eq!(run.code, 2, "{outputs:?}: {}", run.stderr);
        assert!(run.stderr.contains(said) && run.stdout.is_empty(), "{outputs:?}: {}", run.stderr);
        assert!(!home.join(".cache/layergate/layers").exists(), "{outputs:?} was scanned");
    }
    let image = shop();
    for more in [
        vec!["-o", "cyclonedx", &image, &image],
        vec!["-o", "spdx", "--platform", "linux/amd64", "--platform", "linux/arm64", &image],
    ] {
        let run = scan(&program, &more);
        assert!(run.code == 2 && run.stderr.contains("describes one image"), "{}", run.stderr);
    }
    // What is read stays what it is, also under another name.
    fs::write(home.join("policy.toml"), "[findings]\nfail-on = \"high\"\n").unwrap();
    fs::hard_link(home.join("policy.toml"), home.join("linked.toml")).unwrap();
    fs::write(home.join("app.tar"), "an archive").unwrap();
    for (more, kept) in [
        (vec!["--policy", "policy.toml", "-o", "json=policy.toml", &image], "policy.toml"),
        (vec!["--policy", "policy.toml", "-o", "json=linked.toml", &image], "policy.toml"),
        (vec!["-o", "json=app.tar", "./app.tar"], "app.tar"),
        (vec!["-o", "json=app.tar", "docker-archive:app.tar"], "app.tar"),
    ] {
        let before = read(&home.join(kept));
        let run = scan(&program, &more);
        assert!(run.code == 2 && run.stderr.contains("this run reads"), "{more:?}: {}", run.stderr);
        assert_eq!(read(&home.join(kept)), before, "{more:?}");
    }
    // What the shell has put behind standard output is a place too.
    let db = fixture("advisories");
    let mut command = program.command(["scan", "--offline", "--db", &db, "-o", "table", "-o", "json=one.txt", &image]);
    command.stdout(fs::File::create(home.join("one.txt")).unwrap());
    assert_eq!(command.status().unwrap().code(), Some(2));
    // What is thrown away may be so twice.
    let run = scan(&program, &["-o", "json=/dev/null", "-o", "sarif=/dev/null", &image]);
    assert_eq!(run.code, 1, "{}", run.stderr);
}

#[test]
fn files_are_written_as_they_lie() {
    let program = Program::default();
    let (home, image) = (program.home.path(), shop());
    let good = |path: &Path| json(path)["verdict"] == "fail";
    // Through links to a file that is there and to one that is not yet, one link after the other.
    fs::create_dir(home.join("real")).unwrap();
    fs::write(home.join("real/there.json"), "old").unwrap();
    fs::set_permissions(home.join("real/there.json"), fs::Permissions::from_mode(0o640)).unwrap();
    for name in ["there", "new"] {
        symlink(format!("real/{name}.json"), home.join(format!("{name}.link"))).unwrap();
        symlink(format!("{name}.link"), home.join(format!("{name}.json"))).unwrap();
        let run = scan(&program, &["-o", &format!("json={name}.json"), &image]);
        assert_eq!(run.code, 1, "{}", run.stderr);
        assert!(good(&home.join(format!("real/{name}.json"))), "{name}");
        assert!(home.join(format!("{name}.json")).is_symlink() && home.join(format!("{name}.link")).is_symlink());
    }
    let mode = fs::metadata(home.join("real/there.json")).unwrap().mode() & 0o777;
    assert_eq!(mode, 0o640, "the file keeps its mode");
    // Devices and pipes; a log to which the shell appends stays.
    let log = home.join("log");
    fs::write(&log, "before\n").unwrap();
    let db = fixture("advisories");
    let appended = fs::File::options().append(true).open(&log).unwrap();
    let mut command = program.command(["scan", "--offline", "--db", &db, "-o", "json=/dev/stdout", &image]);
    assert_eq!(command.stdout(appended).status().unwrap().code(), Some(1));
    assert!(read(&log).starts_with("before\n{"), "{}", read(&log));
    // A pipe without a name.
    let script = "\"$0\" scan --offline --db \"$1\" -o json=>(cat > through) \"$2\"; code=$?; sleep 1; exit $code";
    let mut shell = Command::new("bash");
    shell.args(["-c", script]).arg(binary()).args([&db, &image]).current_dir(home).env("HOME", home);
    assert_eq!(shell.status().unwrap().code(), Some(1));
    assert!(good(&home.join("through")));
    let script = "exec \"$0\" scan --offline --db \"$1\" -o json=/dev/fd/3 \"$2\" 3> opened";
    let mut shell = Command::new("bash");
    shell.args(["-c", script]).arg(binary()).args([&db, &image]).current_dir(home).env("HOME", home);
    assert_eq!(shell.status().unwrap().code(), Some(1));
    assert!(good(&home.join("opened")));
    let run = scan(&program, &["-o", "json=/dev/stdout", &image]);
    assert_eq!((run.code, serde_json::from_str::<Value>(&run.stdout).unwrap()["verdict"].as_str()), (1, Some("fail")));
    let pipe = home.join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reader =
        Command::new("timeout").args(["60", "cat"]).arg(&pipe).stdout(std::process::Stdio::piped()).spawn().unwrap();
    let run = scan(&program, &["-o", &format!("json={}", pipe.display()), &image]);
    let through = reader.wait_with_output().unwrap().stdout;
    assert_eq!((run.code, serde_json::from_slice::<Value>(&through).unwrap()["verdict"].as_str()), (1, Some("fail")));
}

/// Where the directory is somebody else's, or the file a mount point, it is written in place.
#[test]
fn a_file_that_cannot_be_replaced_is_written_in_place() {
    let program = Program::default();
    let home = program.home.path();
    let closed = home.join("closed");
    fs::create_dir(&closed).unwrap();
    let file = closed.join("report.json");
    fs::write(&file, "old").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
    let inode = fs::metadata(&file).unwrap().ino();
    let root = fs::metadata("/proc/self").unwrap().uid() == 0;
    let (db, image) = (fixture("advisories"), shop());
    let output = format!("json={}", file.display());
    let arguments = ["scan", "--offline", "--quiet", "--db", &db, "-o", &output, &image];
    let mut ways: Vec<(&str, Vec<&str>)> = Vec::new();
    if root {
        // As nobody in root's directory; and on a mount.
        ways.push(("another user", vec!["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]));
        ways.push((
            "a mount",
            vec!["unshare", "-m", "sh", "-c", "mount --bind \"$0\" \"$0\" && exec \"$@\"", file.to_str().unwrap()],
        ));
    } else {
        ways.push(("a directory that cannot be written", vec!["env"]));
    }
    let mode = if root { 0o755 } else { 0o555 };
    fs::set_permissions(&closed, fs::Permissions::from_mode(mode)).unwrap();
    fs::set_permissions(home, fs::Permissions::from_mode(0o755)).unwrap();
    for (name, way) in ways {
        let may =
            Command::new(way[0]).args(&way[1..way.len().min(3)]).arg("true").output().is_ok_and(|o| o.status.success());
        let reaches = Command::new(way[0]).args(&way[1..]).arg("ls").args([&binary(), Path::new(&db)]).output();
        if !may && !reaches.is_ok_and(|o| o.status.success()) {
            println!("skipped: {name} cannot be had here");
            continue;
        }
        let mut command = Command::new(way[0]);
        command.args(&way[1..]).arg(binary()).args(arguments).env("HOME", home.join("elsewhere"));
        let run = program.finish(&mut command);
        if run.stderr.contains("ermission denied") && !run.stderr.contains("report.json") {
            println!("skipped: {name}: {}", run.stderr);
            continue;
        }
        assert_eq!(run.code, 1, "{name}: {}", run.stderr);
        assert_eq!(
            (json(&file)["verdict"].as_str(), fs::metadata(&file).unwrap().ino()),
            (Some("fail"), inode),
            "{name}"
        );
        fs::write(&file, "old").unwrap();
    }
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o755)).unwrap();
}

/// One that cannot be written keeps no other back, and the run is no success.
#[test]
fn a_document_that_cannot_be_written_keeps_no_other_back() {
    let program = Program::default();
    let run = scan(&program, &["-o", "table=/dev/full", "-o", "json=a.json", &shop()]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(run.stderr.contains("/dev/full"), "{}", run.stderr);
    assert_eq!(json(&program.home.path().join("a.json"))["verdict"], "fail");
}

/// Whoever reads goes away: the exit code is the verdict's, and nothing breaks.
#[test]
fn a_reader_that_goes_away_changes_nothing() {
    let program = Program::default();
    let db = fixture("advisories");
    for (line, code) in [
        ("\"$0\" scan --offline --db \"$1\" -o json \"$2\" | head -c 1 > /dev/null; exit ${PIPESTATUS[0]}", 1),
        ("\"$0\" scan -v --offline --db \"$1\" \"$2\" 2>&1 | head -c 1 > /dev/null; exit ${PIPESTATUS[0]}", 1),
        ("\"$0\" scan --offline --db \"$1\" oci:/no/where 2>&1 | true; exit ${PIPESTATUS[0]}", 3),
        ("\"$0\" db build --from \"$1\" --output made 2>&1 | true; exit ${PIPESTATUS[0]}", 0),
        ("\"$0\" scan --offline --db \"$1\" \"$2\" > /dev/full", 3),
    ] {
        let mut shell = Command::new("bash");
        shell.args(["-c", line]).arg(binary()).args([&db, &shop()]).current_dir(program.home.path());
        assert_eq!(shell.env("HOME", program.home.path()).status().unwrap().code(), Some(code), "{line}");
    }
}

/// Two platforms of one image, and the image twice, in one document.
#[test]
fn ids_in_one_document_are_unique_and_categories_hold_no_tag() {
    let program = Program::default();
    let layout = program.home.path().join("image");
    assert!(Command::new("cp").arg("-r").arg(fixture("images/shop")).arg(&layout).status().unwrap().success());
    let index = json(&layout.join("index.json"));
    let mut two = index.clone();
    two["manifests"][0]["annotations"] = serde_json::json!({"org.opencontainers.image.ref.name": "v1"});
    let mut other = two["manifests"][0].clone();
    other["platform"]["architecture"] = "arm64".into();
    two["manifests"].as_array_mut().unwrap().push(other);
    fs::write(layout.join("index.json"), two.to_string()).unwrap();
    let (outputs, file) = all(&program, &["sarif", "gitlab", "junit"]);
    let image = format!("oci:{}:v1", layout.display());
    let mut arguments: Vec<&str> = outputs.iter().map(String::as_str).collect();
    arguments.extend(["--platform", "all", &image, &image]);
    let run = scan(&program, &arguments);
    assert_eq!(run.code, 1, "{}", run.stderr);
    let unique = |what: &str, ids: Vec<String>| {
        let different: BTreeSet<&String> = ids.iter().collect();
        assert!(different.len() == ids.len() && !ids.is_empty(), "{what}: {ids:?}");
    };
    let sarif = json(&file("sarif"));
    let categories: Vec<String> =
        sarif["runs"].as_array().unwrap().iter().map(|r| r["automationDetails"]["id"].to_string()).collect();
    assert_eq!(categories.len(), 4);
    assert!(categories.iter().all(|c| !c.contains("v1") && !c.contains("sha256")), "{categories:?}");
    unique("SARIF's categories", categories);
    let gitlab = json(&file("gitlab"));
    let ids: Vec<String> = gitlab["vulnerabilities"].as_array().unwrap().iter().map(|v| v["id"].to_string()).collect();
    unique("GitLab's ids", ids);
    let junit = read(&file("junit"));
    let names = |tag: &str| -> Vec<String> {
        junit
            .lines()
            .map(str::trim)
            .filter(|l| l.starts_with(tag))
            .map(|l| l.split(" time=").next().unwrap().to_owned())
            .collect()
    };
    unique(
        "JUnit's suites",
        names("<testsuite ").iter().map(|s| s.split(" timestamp=").next().unwrap().to_owned()).collect(),
    );
    unique("JUnit's cases", names("<testcase "));
}

#[test]
fn a_template_is_bounded_in_what_it_holds_and_keeps_no_document_back() {
    let program = Program::default();
    let home = program.home.path();
    let (image, bound) = (shop(), Duration::from_secs(60));
    for (name, text, code, said) in [
        ("good.txt", "{{ verdict }}", 1, ""),
        (
            "double.txt",
            "{% set ns = namespace(x='xxxxxxxx') %}{% for i in range(40) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
            2,
            "more than 512 MiB",
        ),
        ("long.txt", "{% set x = 'x' * 1000000 %}{% for i in range(200) %}{{ x }}{% endfor %}", 2, "134217728 bytes"),
        ("wrong.txt", "{{ nothing.at.all }}", 2, "undefined"),
    ] {
        fs::write(home.join(name), text).unwrap();
        let began = std::time::Instant::now();
        let run = scan(&program, &["--template", name, "-o", &format!("json={name}.json"), &image]);
        assert_eq!(run.code, code, "{name}: {}", run.stderr);
        assert!(run.stderr.contains(said) && began.elapsed() < bound, "{name}: {}", run.stderr);
        assert_eq!(json(&home.join(format!("{name}.json")))["verdict"], "fail", "{name}");
    }
}
