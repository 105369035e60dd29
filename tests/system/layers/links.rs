//! Symbolic and hard links, resolved inside the root.

use super::store::Image;
use crate::support::archive::Tar;
use specd::image::{ImageError, NeededFiles};

fn tar() -> Tar {
    Tar::default()
}

fn one(tar: Tar) -> Option<String> {
    Image::default().tar(tar).passwd().unwrap()
}

/// A chain of `count` links from `/etc/passwd` to a file.
fn chain(count: usize) -> Tar {
    let mut tar = tar().file("end", "found").symlink("etc/passwd", "/l1");
    for at in 1..count {
        let target = if at + 1 == count { "end".to_owned() } else { format!("l{}", at + 1) };
        tar = tar.symlink(&format!("l{at}"), &target);
    }
    tar
}

#[test]
fn nixos_absolute_relative_and_escaping_links_stay_inside_the_root() {
    for target in [
        "/nix/store/passwd",
        "../nix/store/passwd",
        "../../../../nix/store/passwd",
        "/../../nix/store/passwd",
        "/nix//./store/../store/passwd",
    ] {
        let found = one(tar().file("nix/store/passwd", "nix").symlink("etc/passwd", target));
        assert_eq!(found.as_deref(), Some("nix"), "{target}");
    }
}

#[test]
fn nixos_a_link_is_followed_through_all_layers() {
    let image = Image::default()
        .tar(tar().file("nix/store/old", "old").file("nix/store/new", "stale"))
        .tar(tar().file("nix/store/new", "new"))
        .tar(
            tar().symlink("etc/passwd", "../nix/store/new").symlink("etc/group", "/nix/store/old"),
        );
    let (files, opened) = image.read_noting(NeededFiles { passwd: true, group: true });
    let files = files.unwrap();
    assert_eq!(files.passwd.as_deref(), Some(b"new".as_slice()));
    assert_eq!(files.group.as_deref(), Some(b"old".as_slice()));
    assert_eq!(opened, [2, 2, 1, 0]);
}

#[test]
fn nixos_a_symlinked_etc_leads_on() {
    for target in ["/nix/etc", "nix/etc", "../nix/etc/"] {
        let image = Image::default()
            .tar(tar().file("nix/etc/passwd", "nix"))
            .tar(tar().symlink("etc", target));
        assert_eq!(image.passwd().unwrap().as_deref(), Some("nix"), "{target}");
    }
}

#[test]
fn nixos_forty_links_pass_and_forty_one_do_not() {
    assert_eq!(one(chain(40)).as_deref(), Some("found"));
    let error = Image::default().tar(chain(41)).passwd().unwrap_err();
    assert!(matches!(&error, ImageError::File { path, .. } if path == "/etc/passwd"));
    assert!(error.to_string().contains("too many links"), "{error}");
}

#[test]
fn nixos_loops_end() {
    for tar in [
        tar().symlink("etc/passwd", "passwd"),
        tar().symlink("etc/passwd", "/etc/other").symlink("etc/other", "passwd"),
        tar().symlink("etc", "etc"),
        tar().symlink("etc/passwd", "../etc/passwd/x"),
    ] {
        let error = Image::default().tar(tar).passwd().unwrap_err();
        assert!(matches!(error, ImageError::File { .. }), "{error}");
    }
}

#[test]
fn a_link_to_nothing_is_absent_and_one_through_a_file_is_an_error() {
    assert_eq!(one(tar().symlink("etc/passwd", "/run/passwd")), None);
    assert_eq!(one(tar().symlink("etc", "/run/etc")), None);
    let through = tar().file("a", "").symlink("etc/passwd", "/a/b");
    assert!(matches!(Image::default().tar(through).passwd(), Err(ImageError::File { .. })));
    let to_root = tar().symlink("etc/passwd", "/");
    assert!(matches!(Image::default().tar(to_root).passwd(), Err(ImageError::File { .. })));
}

#[test]
fn dots_behind_a_link_start_from_where_it_leads() {
    let tar = tar()
        .file("x/y/file", "")
        .file("x/passwd", "right")
        .file("passwd", "wrong")
        .symlink("short", "x/y")
        .symlink("etc/passwd", "/short/../passwd");
    assert_eq!(one(tar).as_deref(), Some("right"));
}

#[test]
fn a_directory_that_an_entry_implies_hides_a_lower_link_of_its_name() {
    let image = Image::default()
        .tar(tar().symlink("etc", "usr/etc").file("usr/etc/passwd", "linked"))
        .tar(tar().file("etc/hosts", ""));
    assert_eq!(image.passwd().unwrap(), None);
}

#[test]
fn an_entry_behind_a_link_of_its_own_layer_goes_where_it_leads() {
    for target in ["usr/etc", "/usr/etc", "./usr/../usr/etc", "../../usr/etc"] {
        let moved = tar().symlink("etc", target).file("etc/passwd", "moved");
        assert_eq!(one(moved).as_deref(), Some("moved"), "{target}");
    }
    let sneaky = tar().file("etc/passwd", "first").symlink("a", "etc").file("a/passwd", "second");
    assert_eq!(one(sneaky).as_deref(), Some("second"));
    let gone = tar().symlink("a", "etc").file("a", "").dir("a").file("a/passwd", "elsewhere");
    assert_eq!(one(gone), None);
    let hidden = Image::default()
        .tar(tar().file("etc/passwd", "low"))
        .tar(tar().symlink("a", "etc").file("a/.wh.passwd", ""));
    assert_eq!(hidden.passwd().unwrap(), None);
    let looped = tar().symlink("a", "b").symlink("b", "a").file("a/x", "");
    assert!(matches!(Image::default().tar(looped).passwd(), Err(ImageError::Invalid { .. })));
}

#[test]
fn a_hard_link_has_what_its_target_has_at_that_moment() {
    let plain = tar().file("data", "one").hardlink("etc/passwd", "data");
    assert_eq!(one(plain.clone()).as_deref(), Some("one"));
    assert_eq!(one(plain.file("data", "two")).as_deref(), Some("one"));
    let chained = tar().file("a", "one").hardlink("b", "./a").hardlink("etc/passwd", "/b");
    assert_eq!(one(chained).as_deref(), Some("one"));
    let to_link = tar().file("real", "one").symlink("a", "/real").hardlink("etc/passwd", "a");
    assert_eq!(one(to_link).as_deref(), Some("one"));
    let behind = tar().file("x/a", "one").symlink("y", "x").hardlink("etc/passwd", "y/a");
    assert_eq!(one(behind).as_deref(), Some("one"));
    let relative = tar().symlink("x/a", "b").file("x/b", "no").file("etc/b", "yes");
    assert_eq!(one(relative.hardlink("etc/passwd", "x/a")).as_deref(), Some("yes"));
}

#[test]
fn a_hard_link_to_a_lower_layer_is_answered_by_it() {
    let low = || Image::default().tar(tar().file("data", "low").symlink("link", "data"));
    let image = low().tar(tar().hardlink("etc/passwd", "data"));
    assert_eq!(image.passwd().unwrap().as_deref(), Some("low"));
    let image = low().tar(tar().hardlink("b", "data")).tar(tar().hardlink("etc/passwd", "b"));
    assert_eq!(image.passwd().unwrap().as_deref(), Some("low"));
    // The link itself, and so relative to where it now is.
    let image = low().tar(tar().hardlink("etc/passwd", "link").file("etc/data", "beside"));
    assert_eq!(image.passwd().unwrap().as_deref(), Some("beside"));
    let itself = Image::default().tar(tar().file("etc/passwd", "low"));
    let image = itself.tar(tar().file("etc/passwd", "high").hardlink("etc/passwd", "etc/passwd"));
    assert_eq!(image.passwd().unwrap().as_deref(), Some("low"));
    assert_eq!(one(tar().hardlink("etc/passwd", "nowhere")), None);
}

#[test]
fn a_hard_link_to_a_directory_is_refused() {
    for target in ["etc", "/"] {
        let tar = tar().dir("etc").hardlink("etc/passwd", target);
        assert!(matches!(Image::default().tar(tar).passwd(), Err(ImageError::Invalid { .. })));
    }
}

#[test]
fn a_long_chain_of_hard_links_ends() {
    let mut long = tar().file("h0", "found");
    for at in 1..60 {
        long = long.hardlink(&format!("h{at}"), &format!("h{}", at - 1));
    }
    let error = Image::default().tar(long.clone().hardlink("etc/passwd", "h59")).passwd();
    assert!(matches!(error, Err(ImageError::File { .. })), "{error:?}");
    assert_eq!(one(long.hardlink("etc/passwd", "h5")).as_deref(), Some("found"));
}
