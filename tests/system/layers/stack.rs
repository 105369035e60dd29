//! How layers lie on each other, and which of them are opened at all.

use super::store::Image;
use crate::support::archive::Tar;
use specd::image::{AccountFiles, ImageError, NeededFiles};

fn base() -> Tar {
    Tar::default().dir("etc/").file("etc/passwd", "low").file("etc/group", "groups")
}

fn upper(tar: Tar) -> Option<String> {
    Image::default().tar(base()).tar(tar).passwd().unwrap()
}

#[test]
fn a_file_in_the_newest_layer_decides_and_nothing_below_is_opened() {
    let newest = Tar::default().file("etc/passwd", "high").file("etc/group", "g");
    let image = Image::default().tar(base()).tar(newest);
    let (files, opened) = image.read_noting(NeededFiles { passwd: true, group: true });
    let files = files.unwrap();
    assert_eq!(files.passwd.as_deref(), Some(b"high".as_slice()));
    assert_eq!(files.group.as_deref(), Some(b"g".as_slice()));
    assert_eq!(opened, [1]);
}

#[test]
fn one_pass_a_layer_down_to_the_one_that_decides() {
    let image = Image::default()
        .tar(Tar::default().file("lowest", ""))
        .tar(base())
        .tar(Tar::default().file("etc/passwd", "high"))
        .tar(Tar::default().file("app", ""));
    let (files, opened) = image.read_noting(NeededFiles { passwd: true, group: true });
    assert_eq!(files.unwrap().group.as_deref(), Some(b"groups".as_slice()));
    assert_eq!(opened, [3, 2, 1]);
}

#[test]
fn what_is_not_wanted_is_not_read() {
    let (files, opened) = Image::default().tar(base()).read_noting(NeededFiles::default());
    assert_eq!(files.unwrap(), AccountFiles::default());
    assert!(opened.is_empty());
    let needed = NeededFiles { passwd: false, group: true };
    let (files, _) = Image::default().tar(base()).read_noting(needed);
    assert_eq!(files.unwrap(), AccountFiles { passwd: None, group: Some("groups".into()) });
}

#[test]
fn an_image_without_the_files_or_without_layers_has_none() {
    assert_eq!(Image::default().read().unwrap(), AccountFiles::default());
    let image = Image::default().tar(Tar::default().file("app", "")).tar(Tar::default());
    assert_eq!(image.read().unwrap(), AccountFiles::default());
}

#[test]
fn whiteouts_hide_what_is_lower() {
    let tar = Tar::default;
    assert_eq!(upper(tar().file("etc/.wh.passwd", "")), None);
    assert_eq!(upper(tar().file(".wh.etc", "")), None);
    assert_eq!(upper(tar().file("etc/.wh.group", "")).as_deref(), Some("low"));
    assert_eq!(upper(tar().file("etc/.wh.passwd-", "")).as_deref(), Some("low"));
}

#[test]
fn whiteouts_never_hide_their_own_layer_wherever_they_stand() {
    let tar = Tar::default;
    for (first, last) in [("etc/.wh.passwd", "etc/passwd"), ("etc/passwd", "etc/.wh.passwd")] {
        let high = upper(tar().file(first, "high").file(last, "high"));
        assert_eq!(high.as_deref(), Some("high"), "{first}");
    }
    for marker in [".wh.etc", "etc/.wh..wh..opq", ".wh..wh..opq"] {
        let high = upper(tar().file("etc/passwd", "high").file(marker, ""));
        assert_eq!(high.as_deref(), Some("high"), "{marker}");
    }
}

#[test]
fn opaque_directories_hide_all_below_them() {
    let tar = Tar::default;
    assert_eq!(upper(tar().dir("etc").file("etc/.wh..wh..opq", "")), None);
    assert_eq!(upper(tar().file("etc/.wh..wh..opq", "")), None);
    assert_eq!(upper(tar().file("usr/.wh..wh..opq", "")).as_deref(), Some("low"));
}

/// As overlayfs has it, whatever name the root is given.
#[test]
fn an_opaque_root_hides_nothing() {
    for marker in [".wh..wh..opq", "./.wh..wh..opq", "/.wh..wh..opq", "etc/../.wh..wh..opq"] {
        let tar = Tar::default().file(marker, "").file("etc/group", "");
        assert_eq!(upper(tar).as_deref(), Some("low"), "{marker}");
    }
}

#[test]
fn a_hidden_layer_is_never_opened() {
    let image = Image::default().tar(base()).tar(Tar::default().file("etc/.wh..wh..opq", ""));
    let (files, opened) = image.read_noting(NeededFiles { passwd: true, group: true });
    assert_eq!(files.unwrap(), AccountFiles::default());
    assert_eq!(opened, [1]);
}

#[test]
fn metadata_of_aufs_hides_nothing_and_a_whiteout_of_nothing_is_refused() {
    let aufs =
        Tar::default().dir(".wh..wh.plnk").file(".wh..wh.plnk/1.2", "").file(".wh..wh.aufs", "");
    assert_eq!(upper(aufs).as_deref(), Some("low"));
    for name in ["etc/.wh.", "etc/.wh..", "etc/.wh..."] {
        let image = Image::default().tar(base()).tar(Tar::default().file(name, ""));
        assert!(matches!(image.read(), Err(ImageError::Invalid { .. })), "{name}");
    }
}

#[test]
fn directories_merge_and_other_things_cover() {
    let tar = Tar::default;
    assert_eq!(upper(tar().dir("etc")).as_deref(), Some("low"));
    let stack = || Image::default().tar(base()).tar(tar().file("etc", "a file"));
    assert!(matches!(stack().read(), Err(ImageError::File { .. })));
    assert_eq!(stack().tar(tar().dir("etc")).passwd().unwrap(), None);
    let again = stack().tar(tar().file("etc/passwd", "high")).passwd().unwrap();
    assert_eq!(again.as_deref(), Some("high"));
}

#[test]
fn a_later_entry_of_a_layer_replaces_an_earlier_one() {
    let tar = Tar::default;
    let twice = upper(tar().file("etc/passwd", "one").file("./etc//passwd", "two"));
    assert_eq!(twice.as_deref(), Some("two"));
    let covered = tar().file("etc/passwd", "one").file("etc", "");
    assert!(Image::default().tar(covered.clone()).read().is_err());
    assert_eq!(upper(covered.dir("etc")), Some("low".to_owned()));
    assert_eq!(upper(tar().file("etc/passwd", "one").dir("etc")).as_deref(), Some("one"));
    let replaced = tar().symlink("etc", "usr").dir("etc").file("etc/passwd", "own");
    assert_eq!(upper(replaced).as_deref(), Some("own"));
}

#[test]
fn what_is_no_regular_file_is_an_error() {
    for (flag, words) in [
        (b'5', "is a directory"),
        (b'3', "is a character device"),
        (b'4', "is a block device"),
        (b'6', "is a fifo"),
        (b'V', "is an entry of an unknown kind"),
    ] {
        let image =
            Image::default().tar(base()).tar(Tar::default().entry(flag, "etc/passwd", "", b""));
        let error = image.read().unwrap_err();
        assert!(matches!(&error, ImageError::File { path, .. } if path == "/etc/passwd"));
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn an_entry_below_a_file_is_refused_as_containerd_refuses_it() {
    let tar = Tar::default().file("etc", "").file("etc/passwd", "x");
    assert!(matches!(Image::default().tar(tar).read(), Err(ImageError::Invalid { .. })));
}
