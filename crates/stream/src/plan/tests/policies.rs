//! Streams that rebuild less.

use proptest::prelude::*;

use super::*;

/// A stream of three levels: `app` on `mid` on `base`.
fn three() -> (String, Files) {
    let stream = STREAM
        .replace("bases:\n", "bases:\n  mini/mid: {component: mid}\n")
        .replace("components:\n", "components:\n  app:\n    source: {path: components/app}\n  mid:\n    source: {path: components/mid}\n");
    let files = Files(BTreeMap::from([
        ("components/app/Containerfile", "FROM mini/mid\n"),
        ("components/mid/Containerfile", "FROM mini/base\n"),
        ("components/etcd/Containerfile", "FROM mini/base\n"),
    ]));
    (stream, files)
}

/// The plan for [`three`], built once, after `base` got another source and `knobs` were written into the stream.
fn three_with_another_base(knobs: &str, built: bool) -> Plan {
    let (stream, files) = three();
    let mut store = Store::default();
    Case::new(&stream, &files).build(&mut store);
    let stream = stream.replace("path: components/base", "path: components/base2");
    let stream = stream.replace("releaseBase:", &format!("{knobs}releaseBase:"));
    let case = Case::new(&stream, &files);
    if built {
        // The base alone, by somebody else.
        let all = Store::default();
        let plan = case.plan(&all, &[]);
        store.images.insert(
            plan.on(Platform::Amd64, "base").unwrap().key.unwrap(),
            Found::here(Digest::of("another base")),
        );
    }
    case.plan(&store, &[])
}

#[test]
fn weaker_policies_hold_back() {
    insta::assert_snapshot!(table::table(&three_with_another_base("", false)), @"
    COMPONENT  ACTION  WHY
    base       build   source-changed: d11b2622b913 → a08e8748639a
    etcd       maybe   base-rebuilt: base
    mid        maybe   base-rebuilt: base
    app        maybe   base-rebuilt: mid

    4 components: 1 to build, 3 maybe; 3 tags in the payload
    ");
    insta::assert_snapshot!(table::table(&three_with_another_base("rebuild: direct\n", false)), @"
    COMPONENT  ACTION  WHY
    base       build   source-changed: d11b2622b913 → a08e8748639a
    etcd       maybe   base-rebuilt: base
    mid        maybe   base-rebuilt: base
    app        reuse   base-rebuilt: mid; held back by rebuild: direct

    4 components: 1 to build, 2 maybe, 1 reused (1 held back); 3 tags in the payload
    ");
    insta::assert_snapshot!(table::table(&three_with_another_base("rebuild: local\n", false)), @"
    COMPONENT  ACTION  WHY
    base       build   source-changed: d11b2622b913 → a08e8748639a
    etcd       reuse   base-rebuilt: base; held back by rebuild: local
    mid        reuse   base-rebuilt: base; held back by rebuild: local
    app        reuse

    4 components: 1 to build, 3 reused (2 held back); 3 tags in the payload
    ");
    // When the new base is known, it is said which one it is.
    let plan = three_with_another_base("rebuild: local\n", true);
    insta::assert_snapshot!(table::table(&plan), @"
    COMPONENT  ACTION  WHY
    base       reuse
    etcd       reuse   base-changed: mini/base becc21764751 → ca9009840503; held back by rebuild: local
    mid        reuse   base-changed: mini/base becc21764751 → ca9009840503; held back by rebuild: local
    app        reuse

    4 components: 4 reused (2 held back); 3 tags in the payload
    ");
    insta::assert_snapshot!(serde_json::to_string_pretty(plan.on(Platform::Amd64, "etcd").unwrap()).unwrap(), @r#"
    {
      "component": "etcd",
      "platform": "linux/amd64",
      "action": "reuse",
      "reasons": [
        {
          "code": "base-changed",
          "changes": [
            {
              "name": "mini/base",
              "from": "sha256:becc2176475193054af374179787beee5cd70babaa17bbca53ca35f96e0f52ca",
              "to": "sha256:ca9009840503bbb5513c9e5a9ca58b4cac3119d8b4bab71bde9a42492d5ccae4"
            }
          ]
        }
      ],
      "heldBack": "rebuild: local",
      "inputs": "sha256:8986dbf66e5a510686ca0afe12c45f191e699ac027b38b52ea76fe40afde6f39",
      "key": "sha256:30f1b2b3483b7735951ed9677a230c92177861d28903df9b6a70e4e186016730",
      "image": "sha256:aaf05fdd1f384fea230d89c3f3bb03ef43dbe130526d47316250b5e8063f61e7",
      "dependsOn": [
        {
          "component": "base",
          "edge": "base"
        }
      ]
    }
    "#);
}

#[test]
fn switching_the_policy_builds_nothing() {
    let (stream, files) = three();
    let mut store = Store::default();
    Case::new(&stream, &files).build(&mut store);
    for policy in Rebuild::ALL {
        let stream = stream.replace("releaseBase:", &format!("rebuild: {}\nreleaseBase:", policy.as_str()));
        let plan = Case::new(&stream, &files).plan(&store, &[]);
        assert!(plan.is_unchanged() && plan.counts.held_back == 0, "{}", table::table(&plan));
    }
}

#[test]
fn a_component_that_changed_itself_is_built_whatever_the_policy() {
    let (stream, files) = three();
    let mut store = Store::default();
    Case::new(&stream, &files).build(&mut store);
    for policy in Rebuild::ALL {
        let stream = stream.replace("releaseBase:", &format!("rebuild: {}\nreleaseBase:", policy.as_str()));
        let stream = stream.replace("[etcd-server]\n", "[etcd-server]\n    labels: {a: b}\n");
        let plan = Case::new(&stream, &files).plan(&store, &[]);
        let built: Vec<&str> = plan
            .components
            .iter()
            .filter(|c| c.action == Action::Build)
            .map(|c| c.component.as_str())
            .collect();
        assert_eq!(built, ["etcd"], "{policy:?}");
        let forced = Case::new(&stream, &files).plan(&store, &["mid"]);
        assert_eq!(forced.on(Platform::Amd64, "mid").unwrap().action, Action::Build, "{policy:?}");
    }
}

/// The plan for a base that is another image now and may be exchanged; what does not fit, if anything.
pub fn on_a_new_base(misfit: Option<&str>) -> Plan {
    on_new_bases("", misfit)
}

fn on_new_bases(platforms: &str, misfit: Option<&str>) -> Plan {
    let stream = STREAM
        .replace("releaseBase:", &format!("{platforms}layerRebase: [mini/*]\nreleaseBase:"))
        .replace("task: debian-base\n", "labels: {streamwright.dev/abi: \"1\"}\n");
    let files = Files(BTreeMap::from([
        ("components/base/Containerfile", "FROM scratch\n"),
        ("components/base2/Containerfile", "FROM scratch\n"),
        ("components/etcd/Containerfile", "FROM mini/base\n"),
    ]));
    let mut store = Store::default();
    Case::new(&stream, &files).build(&mut store);
    store.misfit = misfit.map(str::to_owned);
    let case = Case::new(&stream.replace("path: components/base", "path: components/base2"), &files);
    let plan = case.plan(&store, &[]);
    let another = plan.of("base").map(|base| (base.key.unwrap(), Found::here(Digest::of("another base"))));
    store.images.extend(another);
    case.plan(&store, &[])
}

#[test]
fn a_base_is_exchanged_under_the_image_of_its_platform() {
    let plan = on_new_bases("platforms: [linux/arm64, linux/amd64]\n", None);
    let swaps: BTreeMap<Platform, &Swap> =
        plan.of("etcd").map(|one| (one.platform, one.swap.as_ref().unwrap())).collect();
    assert_eq!(plan.counts.rebase, 2);
    assert_ne!(swaps[&Platform::Amd64].from, swaps[&Platform::Arm64].from);
    assert_eq!(
        swaps[&Platform::Amd64],
        on_a_new_base(None).on(Platform::Amd64, "etcd").unwrap().swap.as_ref().unwrap()
    );
}

#[test]
fn a_base_that_may_be_exchanged() {
    insta::assert_snapshot!(table::table(&on_a_new_base(None)), @"
    COMPONENT  ACTION  WHY
    base       reuse
    etcd       rebase  base-changed: mini/base 71c9bcfefc12 → ca9009840503

    2 components: 1 to rebase, 1 reused; 1 tag in the payload
    ");
    insta::assert_snapshot!(serde_json::to_string_pretty(&on_a_new_base(None).on(Platform::Amd64, "etcd").unwrap().swap).unwrap(), @r#"
    {
      "base": "mini/base",
      "from": "sha256:71c9bcfefc129b480212105c97d52d1ee9fea9400fab59cfaa87c05a5c3cf6ae",
      "to": "sha256:ca9009840503bbb5513c9e5a9ca58b4cac3119d8b4bab71bde9a42492d5ccae4"
    }
    "#);
    insta::assert_snapshot!(table::table(&on_a_new_base(Some("they are too different"))), @"
    COMPONENT  ACTION  WHY
    base       reuse
    etcd       build   base-changed: mini/base 71c9bcfefc12 → ca9009840503; not-rebased: they are too different

    2 components: 1 to build, 1 reused; 1 tag in the payload
    ");
}

proptest! {
    /// That no image is reused with another base holds for `rebuild: transitive`. With a weaker policy it is reused on another one when,
    /// and only when, what that policy asks about is the same: here the base itself changes, so `direct` builds and `local` does not,
    /// and says so.
    #[test]
    fn an_image_is_reused_on_another_base_only_when_that_is_asked_for(
        base_changed in any::<bool>(), etcd_changed in any::<bool>(), forget in any::<bool>(),
        policy in proptest::sample::select(&Rebuild::ALL[..]),
    ) {
        let mut store = Store::default();
        sample().build(&mut store);
        let mut stream = STREAM.replace("releaseBase:", &format!("rebuild: {}\nreleaseBase:", policy.as_str()));
        if base_changed {
            stream = stream.replace("path: components/base", "path: components/base2");
        }
        if etcd_changed {
            stream = stream.replace("[etcd-server]\n", "[etcd-server]\n    labels: {a: b}\n");
        }
        if forget {
            store.last.clear();
        }
        let held_back = policy == Rebuild::Local && base_changed && !etcd_changed;
        let case = Case::new(&stream, &files());
        let plan = case.plan(&store, &[]);
        let etcd = plan.on(Platform::Amd64, "etcd").unwrap();
        prop_assert_eq!(etcd.held_back.is_some(), held_back);
        prop_assert_eq!(etcd.action == Action::Reuse, !base_changed && !etcd_changed || held_back);
        let mut rebuilt = Store::default();
        case.build(&mut rebuilt);
        if let Some(image) = etcd.image {
            let same = rebuilt.newest[&etcd.weak_keys.unwrap().local].image == image;
            prop_assert_eq!(same, !held_back);
        }
    }
}
