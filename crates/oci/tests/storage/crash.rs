//! A process that is killed at any moment leaves a whole store.

use std::process::{Command, Stdio};
use std::time::Duration;

use oci::Store;
use testkit::image::{Image, Layer};

use super::put;

const DIR: &str = "OCI_TEST_CRASH_STORE";

/// Not a test of its own: what the killed process does.
#[test]
fn victim() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let store = Store::open(dir).unwrap();
    let mut round = u64::from(std::process::id());
    loop {
        round += 1;
        // Large, so that many moments are in the middle of it.
        let noise = round.to_le_bytes().repeat(1 << 20);
        let image = Image::holding("base").layer(Layer::new().file("noise", noise).plain()).build();
        put(&store, &format!("r{}", round % 3), Some(&format!("t{}", round % 4)), &image);
        let id = store.begin_upload("r0").unwrap();
        let mut upload = store.upload("r0", &id).unwrap();
        upload.append(&mut image.config.as_slice()).unwrap();
        upload.commit(base::Digest::of(&image.config)).unwrap();
        store.untag("r1", &format!("t{}", (round + 1) % 4)).unwrap();
        if round.is_multiple_of(3) {
            store.delete_manifest(&format!("r{}", round % 3), image.digest).unwrap();
            store.gc(oci::store::GcOptions { spare_younger_than: Duration::from_millis(50) }).unwrap();
            store.write_index().unwrap();
        }
    }
}

#[test]
fn a_killed_process_leaves_a_whole_store() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let mut leftovers = 0;
    for round in 0..30u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::victim", "--nocapture"])
            .env(DIR, &path)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // From before the store exists to well into the work.
        std::thread::sleep(Duration::from_millis(3 + round * round % 151));
        assert!(child.try_wait().unwrap().is_none(), "the victim must not end by itself");
        child.kill().unwrap();
        child.wait().unwrap();
        let store = Store::open(&path).unwrap();
        let report = store.check().unwrap();
        assert!(report.is_whole(), "round {round}: {:#?}", report.problems);
        leftovers += report.leftovers.len();
        // And it can be gone on with.
        put(&store, "after", Some("t"), &Image::holding(&round.to_string()).build());
    }
    println!("{leftovers} unfinished files seen");
}
