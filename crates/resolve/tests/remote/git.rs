//! The resolver `git`.

use std::os::unix::fs::symlink;

use crate::support::{Place, Repository, Web, fetch, fetch_with, message, task};

fn catalog(place: &Place) -> (Repository, String) {
    let repository = Repository::new(place.path("repo"));
    repository.write("task/a.yaml", &task("old"));
    let first = repository.commit();
    repository.git(&["tag", "-a", "v1", "-m", "x"]);
    repository.write("task/a.yaml", &task("new"));
    repository.commit();
    (repository, first)
}

#[test]
fn branches_tags_and_commits() {
    let place = Place::new();
    let (repository, first) = catalog(&place);
    let remote = place.remote();
    let get = |revision: &str| {
        let url = repository.url();
        fetch(&remote, "git", &[("url", url), ("revision", revision), ("pathInRepo", "/task/a.yaml")])
    };
    for old in ["v1", "refs/tags/v1", &first, &first[..10]] {
        let found = get(old).unwrap();
        assert_eq!(found.text, task("old"), "{old}");
        assert_eq!(found.source.digest["sha1"], first, "{old}: the commit, not the tag");
        assert_eq!(found.source.entry_point, "task/a.yaml");
        assert_eq!(found.source.uri, format!("git+{}", repository.url()));
    }
    assert_eq!(get("main").unwrap().text, task("new"));
    assert_eq!(get("").unwrap().text, task("new"), "main is what is meant without a revision");
    let url = format!("file://{}", repository.url());
    let by_url = fetch(&remote, "git", &[("url", &url), ("pathInRepo", "task/a.yaml")]).unwrap();
    assert_eq!(by_url.text, task("new"));
    assert!(message(get("nope")).contains("couldn't find remote ref nope"));
    for bad in ["--upload-pack=x", "a..b", "a:b"] {
        assert!(message(get(bad)).contains("is not the name of a branch"), "{bad}");
    }
}

#[test]
fn files_outside_of_the_repository_are_out_of_reach() {
    let place = Place::new();
    let (repository, _) = catalog(&place);
    symlink("/etc/passwd", repository.0.join("task/absolute.yaml")).unwrap();
    symlink("../../../../etc/passwd", repository.0.join("task/up.yaml")).unwrap();
    symlink("a.yaml", repository.0.join("task/link.yaml")).unwrap();
    symlink("loop.yaml", repository.0.join("task/loop.yaml")).unwrap();
    std::fs::write(repository.0.join("big"), vec![b'x'; (4 << 20) + 1]).unwrap();
    repository.commit();
    let remote = place.remote();
    let get = |path: &str| fetch(&remote, "git", &[("url", repository.url()), ("pathInRepo", path)]);
    assert_eq!(get("task/link.yaml").unwrap().text, task("new"), "links within are followed");
    for out in ["../../etc/passwd", "task/../../x", "task/absolute.yaml", "task/up.yaml"] {
        assert!(message(get(out)).contains("leads out of the repository"), "{out}");
    }
    assert!(message(get("task/loop.yaml")).contains("symbolic links lead to each other"));
    assert!(message(get("task")).contains("it is not a file"));
    assert!(message(get("task/none.yaml")).contains("has no such file"));
    assert!(message(get("big")).contains("more than 4"), "{}", message(get("big")));
}

#[test]
fn addresses_that_would_run_something_do_not() {
    let place = Place::new();
    let remote = place.remote();
    let ran = place.path("ran");
    for url in [format!("ext::touch {}", ran.display()), format!("--upload-pack=touch {}", ran.display())] {
        let refused = message(fetch(&remote, "git", &[("url", &url), ("pathInRepo", "a")]));
        assert!(refused.contains("is not an address of a git repository"), "{refused}");
    }
    assert!(!ran.exists());
    let both = message(fetch(&remote, "git", &[("url", "https://h/x"), ("repo", "x"), ("pathInRepo", "a")]));
    assert!(both.contains("cannot specify both"), "{both}");
}

#[test]
fn one_run_sees_one_commit() {
    let place = Place::new();
    let (repository, _) = catalog(&place);
    repository.write("task/b.yaml", &task("b1"));
    repository.commit();
    let remote = place.remote();
    let get = |path: &str| fetch(&remote, "git", &[("url", repository.url()), ("pathInRepo", path)]).unwrap();
    let first = get("task/a.yaml");
    repository.write("task/b.yaml", &task("b2"));
    repository.commit();
    let second = get("task/b.yaml");
    assert_eq!(second.text, task("b1"));
    assert_eq!(first.source.digest, second.source.digest);
}

const TOKEN: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: hub}\nstringData: {token: hunter2}\n";

#[test]
fn a_token_is_told_to_the_server_that_asks_and_to_nobody_else() {
    let place = Place::new();
    let web = Web::start(|_| (401, "WWW-Authenticate: Basic realm=\"x\"\r\n".to_owned(), Vec::new()));
    let url = web.url("/org/repo.git");
    let remote = place.remote();
    let pairs = [("url", &*url), ("pathInRepo", "a.yaml"), ("gitToken", "hub")];
    let refused = message(fetch_with(&remote, TOKEN, "git", &pairs));
    assert!(refused.contains("Authentication failed") && !refused.contains("hunter2"), "{refused}");
    // base64 of git:hunter2, in lower case as the server notes it.
    let told = |asked: &crate::support::Asked| {
        asked.headers.iter().any(|h| h == "authorization: basic z2l0omh1bnrlcji=")
    };
    assert!(web.asked().iter().any(told), "{:?}", web.asked());
    let missing = message(fetch(&place.remote(), "git", &pairs));
    assert!(missing.contains("secret \"hub\" not found"), "{missing}");
}

#[test]
fn a_server_that_wants_a_login_says_how_to_give_one() {
    let place = Place::new();
    let web = Web::start(|_| (401, "WWW-Authenticate: Basic realm=\"x\"\r\n".to_owned(), Vec::new()));
    let url = web.url("/org/repo.git").replace("http://", "http://me:hunter2@");
    let refused = message(fetch(&place.remote(), "git", &[("url", &url), ("pathInRepo", "a.yaml")]));
    assert!(!refused.contains("hunter2"), "{refused}");
    let url = web.url("/org/repo.git");
    let refused = message(fetch(&place.remote(), "git", &[("url", &url), ("pathInRepo", "a.yaml")]));
    assert!(refused.contains("name a Secret with a token in the param `gitToken`"), "{refused}");
}

#[test]
fn repositories_by_organisation_and_name() {
    let place = Place::new();
    let remote = place.offline();
    let told = |more: &[(&str, &str)]| {
        let pairs = [&[("org", "o"), ("repo", "r"), ("pathInRepo", "a")], more].concat();
        message(fetch(&remote, "git", &pairs))
    };
    assert!(told(&[]).contains("https://github.com/o/r.git"));
    assert!(told(&[("scmType", "gitlab")]).contains("https://gitlab.com/o/r.git"));
    assert!(
        told(&[("scmType", "gitea"), ("serverURL", "https://g.example/")])
            .contains("https://g.example/o/r.git")
    );
    assert!(told(&[("scmType", "cvs")]).contains("scmType `cvs` is not known"));
    let bad = message(fetch(&remote, "git", &[("org", "../o"), ("repo", "r"), ("pathInRepo", "a")]));
    assert!(bad.contains("is not the name of a org"), "{bad}");
}
