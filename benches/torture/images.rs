//! Hostile images, each asked for by many callers in namespaces of their own, so that neither the cache nor callers that wait
//! for the same image help.

use crate::arena::{Arena, Expected, Stage};
use crate::calls::{Answers, GENERATE, call, callers, name};
use crate::honest::request;
use crate::row::{Found, Row, STRICT};
use crate::support::archive::{Tar, gzip, header};
use crate::support::hostile_layers::{chain_of_links, long_zeros, zeros};
use crate::support::layout::{
    Blob, Gzip, Image, Layer, Layout, Plain, fifo, file, sha256, symlink,
};
use bytes::Bytes;
use prost::Message;
use serde_json::json;
use specd::api::pb::specd::GenerateResponse;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "links",
        what: "64 callers of an image with a chain of 250 links at the end of long paths; they give up after 2 s",
        prepare: links,
        attack: |arena| Box::pin(hostile(arena, None)),
        rules: STRICT,
    },
    Row {
        name: "zstd-windows",
        what: "64 callers of a small image that needs a zstd window of 128 MiB",
        prepare: |stage| {
            let media_type = "application/vnd.oci.image.layer.v1.tar+zstd";
            let blob = stage.layout.blob(media_type, long_zeros(27, 160 << 20));
            let diff_id = blob.digest.clone();
            user_image(stage, &Layer { blob, diff_id });
        },
        attack: |arena| Box::pin(hostile(arena, None)),
        rules: STRICT,
    },
    Row {
        name: "zeros",
        what: "64 callers of an image with a layer that is decompressed to 1 GiB",
        prepare: |stage| {
            let media_type = "application/vnd.oci.image.layer.v1.tar+gzip";
            let blob = stage.layout.blob(media_type, zeros("zeros", gzip));
            let diff_id = blob.digest.clone();
            user_image(stage, &Layer { blob, diff_id });
        },
        attack: |arena| Box::pin(hostile(arena, None)),
        rules: STRICT,
    },
    Row {
        name: "nested-indexes",
        what: "64 callers of an index of 28,473 platforms that holds such an index, four deep",
        prepare: |stage| {
            let index = nested_indexes(stage, 4);
            stage.layout.tag(HOSTILE, &index);
        },
        attack: |arena| Box::pin(hostile(arena, None)),
        rules: STRICT,
    },
    Row {
        name: "large-index",
        what: "64 callers of an index of 28,473 platforms, the last of which fits",
        prepare: |stage| {
            let index = nested_indexes(stage, 1);
            stage.layout.tag(HOSTILE, &index);
        },
        attack: |arena| Box::pin(hostile(arena, None)),
        rules: STRICT,
    },
    Row {
        name: "groups",
        what: "64 callers of an image with 640,000 groups that list its user",
        prepare: groups,
        attack: |arena| Box::pin(hostile(arena, None)),
        rules: STRICT,
    },
    Row {
        name: "snapshotters",
        what: "64 callers of the same image, each call with another snapshotter",
        prepare: groups,
        attack: |arena| Box::pin(hostile(arena, Some("snapshotter"))),
        rules: STRICT,
    },
    Row {
        name: "large-configurations",
        what: "64 callers of configurations of 4 MiB: a million variables, and 100,000 nested lists",
        prepare: |stage| {
            let env = vec![r#""A=1""#; 690_000].join(",");
            let wide = format!(
                r#"{{"os":"linux","architecture":"amd64","config":{{"User":"1","Env":[{env}]}}}}"#
            );
            let deep = "[".repeat(100_000);
            for (name, config) in [(HOSTILE, wide), (OTHER, deep)] {
                let image = stage.layout.raw_image(config, &[]);
                stage.layout.tag(name, &image.manifest);
            }
        },
        attack: |arena| Box::pin(hostile(arena, Some("other"))),
        rules: STRICT,
    },
    Row {
        name: "broken-images",
        what: "images that must be refused, each with its reason: altered and cut blobs, a wrong digest, account files that are \
               no files, tar tricks, users beyond the largest uid",
        prepare: |stage| stage.expected = broken_images(&mut stage.layout),
        attack: |arena| Box::pin(broken(arena)),
        rules: STRICT,
    },
];

const HOSTILE: &str = "registry.example/hostile:1";
const OTHER: &str = "registry.example/other:1";

/// Callers of an image at a time, and how long one waits for its answer.
const CALLERS: usize = 64;
const GIVE_UP: Duration = Duration::from_secs(2);

/// Tags an image with a user that has a name, so that its layer is read.
fn user_image(stage: &mut Stage, layer: &Layer) {
    let config = json!({"config": {"User": "app", "Cmd": ["x"]}});
    let image = stage.layout.image(config, std::slice::from_ref(layer));
    stage.layout.tag(HOSTILE, &image.manifest);
}

pub(crate) fn links(stage: &mut Stage) {
    let layer = stage.layout.raw_layer(Plain, &chain_of_links(2000));
    user_image(stage, &layer);
}

fn groups(stage: &mut Stage) {
    let lines: Vec<String> = (0..640_000).map(|at| format!("g{at:06}:x:7:app\n")).collect();
    let passwd = file("etc/passwd", "app:x:7:8::/:/bin/sh\n");
    let layer = stage.layout.layer(Gzip, &[passwd, file("etc/group", lines.concat())]);
    user_image(stage, &layer);
}

/// So many indexes, one in the other, each with as many platforms that do not fit as 4 MiB hold. The innermost has one that
/// does.
fn nested_indexes(stage: &mut Stage, depth: usize) -> Blob {
    const PLATFORMS: usize = 28_472;
    let layout = &stage.layout;
    let image = layout.image(json!({"config": {"User": "1", "Cmd": ["x"]}}), &[]);
    let mut inner = image.manifest.clone().platform("linux/amd64");
    for level in 0..depth {
        let digest = sha256(level.to_string().as_bytes());
        let entry = format!(
            r#"{{"digest":"{digest}","size":1,"platform":{{"os":"linux","architecture":"arm"}}}},"#
        );
        let text = format!(
            r#"{{"schemaVersion":2,"manifests":[{}{}]}}"#,
            entry.repeat(PLATFORMS),
            inner.json()
        );
        assert!(text.len() < 4 << 20, "an index of {} bytes", text.len());
        inner = layout.blob("application/vnd.oci.image.index.v1+json", text);
    }
    inner
}

/// Calls for the hostile image, each in a namespace of its own, or by another property. When the callers have gone the server must rest.
pub(crate) async fn hostile(arena: Arc<Arena>, vary: Option<&'static str>) -> Found {
    let answers = callers(&arena, CALLERS, GIVE_UP, move |number| {
        let mut request = request(HOSTILE, &format!("namespace-{number}"));
        match vary {
            Some("snapshotter") => {
                "attack".clone_into(&mut request.namespace);
                request.snapshotter = format!("snapshotter-{number}");
            }
            Some(_) if number % 2 == 1 => OTHER.clone_into(&mut request.image),
            _ => {}
        }
        (GENERATE, Bytes::from(request.encode_to_vec()))
    });
    let answers = answers.await;
    // All callers have gone: what is still computed is computed for nobody.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let (started, cpu) = (Instant::now(), arena.server.cpu());
    tokio::time::sleep(Duration::from_secs(1)).await;
    let spent = (arena.server.cpu() - cpu).as_secs_f64() / started.elapsed().as_secs_f64();
    let found = answers.without(&["INTERNAL", "UNKNOWN"])?;
    if spent > 0.4 {
        return Err(format!(
            "the server computes {:.0} % of a CPU for callers that have gone",
            spent * 100.0
        ));
    }
    Ok(found)
}

fn broken_name(number: usize) -> String {
    format!("registry.example/broken-{number}:1")
}

/// Broken images, which it tags by their numbers, with the codes that may be answered.
fn broken_images(into: &mut Layout) -> Vec<Expected> {
    let layout = &*into;
    let passwd = || file("etc/passwd", "app:x:1000:1000::/:/bin/sh\n");
    let app =
        |layers: &[Layer]| layout.image(json!({"config": {"User": "app", "Cmd": ["x"]}}), layers);
    let user = |user: &str| {
        let lines = format!("{user}:x:0:0::/:/bin/sh\nroot:x:0:0::/:/bin/sh\n");
        let layer = layout.layer(Plain, &[file("etc/passwd", lines)]);
        layout.image(json!({"config": {"User": user, "Cmd": ["x"]}}), &[layer])
    };
    let refused = &["FAILED_PRECONDITION", "INVALID_ARGUMENT"];
    let mut broken: Vec<(Image, Expected)> = Vec::new();
    let mut add = |what, image, codes| broken.push((image, Expected { what, codes }));

    // The copies differ, so that breaking one leaves the others.
    let numbered = |number: usize| {
        let extra = file("number", number.to_string());
        layout.layer(Gzip, &[passwd(), extra])
    };
    let [altered, cut, absent, config_altered, config_cut, manifest_altered] =
        [0, 1, 2, 3, 4, 5].map(|number| (numbered(number), app(&[numbered(number)])));
    layout.alter(&altered.0.blob);
    layout.truncate(&cut.0.blob, 20);
    layout.remove(&absent.0.blob);
    layout.alter(&config_altered.1.config);
    layout.truncate(&config_cut.1.config, 5);
    layout.alter(&manifest_altered.1.manifest);
    add("a layer that was altered", altered.1, &["DATA_LOSS"]);
    add("a layer that was cut", cut.1, &["DATA_LOSS"]);
    add("a layer that is absent", absent.1, &["FAILED_PRECONDITION"]);
    add("a configuration that was altered", config_altered.1, &["DATA_LOSS"]);
    add("a configuration that was cut", config_cut.1, &["DATA_LOSS"]);
    add("a manifest that was altered", manifest_altered.1, &["DATA_LOSS"]);

    for (what, entry) in [
        ("a pipe as passwd", fifo("etc/passwd")),
        ("a link to a process as passwd", symlink("etc/passwd", "/proc/self/environ")),
        (
            "a link out of the image as passwd",
            symlink("etc/passwd", "../../../../../../etc/passwd"),
        ),
        ("a link to itself as passwd", symlink("etc/passwd", "passwd")),
    ] {
        add(what, app(&[layout.layer(Plain, &[entry])]), refused);
    }
    let device = Tar::default().raw(&header(b'3', "etc/passwd", "", 0)).end();
    add("a device as passwd", app(&[layout.raw_layer(Plain, &device)]), refused);
    // containerd unpacks it below the root.
    let above = Tar::default().file("../../etc/passwd", "app:x:1000:1000::/:/bin/sh\n").end();
    add("passwd above the root", app(&[layout.raw_layer(Plain, &above)]), &["OK"]);
    let inner = Tar::default().file("etc/passwd", "app:x:0:0::/:/bin/sh\n").0;
    let size = inner.len().to_string();
    let smuggled = Tar::default()
        .pax(&[("size", size.as_bytes())])
        .raw(&header(b'0', "inner.tar", "", 0))
        .data(&inner)
        .file("etc/passwd", "app:x:1000:1000::/:/bin/sh\n")
        .end();
    add("an archive in an archive", app(&[layout.raw_layer(Plain, &smuggled)]), &["OK"]);
    add("noise as a layer", app(&[layout.raw_layer(Plain, &[7; 4096])]), refused);
    add("half of an archive", app(&[layout.raw_layer(Plain, &smuggled[..700])]), refused);

    for text in [
        "2147483648",
        "4294967295",
        "4294967296",
        "9223372036854775808",
        "-1",
        "99999999999999999999",
    ] {
        add("a uid beyond the largest", user(text), refused);
    }
    let accounts = layout.layer(Plain, &[passwd()]);
    for text in ["0:4294967296", "ghost", "app:ghost"] {
        let config = json!({"config": {"User": text, "Cmd": ["x"]}});
        let image = layout.image(config, std::slice::from_ref(&accounts));
        add("a user or group that is absent or out of range", image, refused);
    }
    for (number, (image, _)) in broken.iter().enumerate() {
        into.tag(&broken_name(number), &image.manifest);
    }
    broken.into_iter().map(|(_, expected)| expected).collect()
}

async fn broken(arena: Arc<Arena>) -> Found {
    let until = arena.until();
    let mut answers = Answers::default();
    for round in 0.. {
        if round > 0 && Instant::now() >= until {
            break;
        }
        for (number, Expected { what, codes }) in arena.expected.iter().enumerate() {
            let request = request(&broken_name(number), &format!("namespace-{round}"));
            let answer = call(arena.channel(), GENERATE, request.encode_to_vec().into());
            let answer = tokio::time::timeout(Duration::from_secs(10), answer).await;
            let answer = answer.map_err(|_| format!("{what}: no answer within 10 s"))?;
            let found = name(&answer);
            if !codes.contains(&found.as_str()) {
                return Err(format!("{what}: {found} instead of {codes:?}: {:?}", answer.err()));
            }
            if let Ok(bytes) = answer
                && !runs_as(&bytes, 1000)
            {
                return Err(format!("{what}: the spec has another user than 1000"));
            }
            answers.count(found);
        }
    }
    Ok(format!("{} images; {answers}", arena.expected.len()))
}

/// Whether a spec has a uid.
fn runs_as(bytes: &Bytes, uid: u64) -> bool {
    let response = GenerateResponse::decode(bytes.clone()).unwrap();
    let spec = response.spec.unwrap_or_default().value;
    let spec: serde_json::Value = serde_json::from_slice(&spec).unwrap_or_default();
    spec["process"]["user"]["uid"] == uid
}
