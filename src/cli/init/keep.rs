//! Writes what `llmgw init` has come to: whole files or none, keys for their owner only.

use std::fs::{self, DirBuilder};
use std::io::{self, Write};
use std::path::Path;

use tempfile::Builder;

use crate::cli::failure::Failure;
use crate::config::Secret;

/// Puts `text` at `path`, which is replaced only if it may be. `private`: nobody else may read it.
pub fn write(path: &Path, text: &str, replace: bool, private: bool) -> Result<(), Failure> {
    put(path, text, replace, private).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists if path.exists() => exists(path),
        kind => Failure::failed(format!("cannot write {}: {kind}", path.display())).hint("name another place with `--output`"),
    })
}

/// The file is there already, and stays.
pub fn exists(path: &Path) -> Failure {
    Failure::usage(format!("{} exists, and stays as it is", path.display()))
        .hint("overwrite it with `--force`, or write another file with `--output`")
}

/// Puts a key into a new file of its own.
pub fn write_key(path: &Path, key: &Secret) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::failed(format!("cannot write {}: {}", path.display(), error.kind()));
    if let Some(directory) = path.parent() {
        make_private(directory).map_err(failed)?;
    }
    put(path, &format!("{}\n", key.expose()), false, true).map_err(failed)
}

fn put(path: &Path, text: &str, replace: bool, private: bool) -> io::Result<()> {
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(directory)?;
    let mut builder = Builder::new();
    // Without more, such a file is its owner's only.
    #[cfg(unix)]
    if !private {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let _ = private;
    let mut file = builder.prefix(".llmgw-").tempfile_in(directory)?;
    file.write_all(text.as_bytes())?;
    // A link stays one: what it leads to is replaced.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if replace { file.persist(target) } else { file.persist_noclobber(target) }.map(drop).map_err(|error| error.error)
}

fn make_private(directory: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(directory)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::Path;

    use super::{write, write_key};
    use crate::cli::failure::Exit;
    use crate::config::Secret;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn nothing_is_replaced_unasked() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("new/llmgw.yaml");
        write(&path, "一", false, false).unwrap();
        let refused = write(&path, "二", false, false).unwrap_err();
        assert_eq!((refused.exit, fs::read_to_string(&path).unwrap().as_str()), (Exit::Usage, "一"));
        let link = directory.path().join("link.yaml");
        symlink(&path, &link).unwrap();
        write(&link, "二", true, false).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "二");
        assert!(link.is_symlink());
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing is left behind");
    }

    #[test]
    fn keys_are_for_their_owner_only() {
        let directory = tempfile::tempdir().unwrap();
        let key = directory.path().join("keys/deepseek.key");
        write_key(&key, &Secret::new("sk-1")).unwrap();
        assert_eq!(fs::read_to_string(&key).unwrap(), "sk-1\n");
        assert_eq!((mode(&key), mode(key.parent().unwrap())), (0o600, 0o700));
        assert!(write_key(&key, &Secret::new("sk-2")).is_err());
        assert_eq!(fs::read_to_string(&key).unwrap(), "sk-1\n", "another configuration may need it");
        let (open, closed) = (directory.path().join("open.yaml"), directory.path().join("closed.yaml"));
        write(&open, "", false, false).unwrap();
        write(&closed, "", false, true).unwrap();
        assert_eq!(mode(&closed), 0o600);
        assert_eq!(mode(&open) & 0o600, 0o600);
    }

    #[test]
    fn a_place_that_cannot_be_written_to_is_named() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("file"), "").unwrap();
        let refused = write(&directory.path().join("file/llmgw.yaml"), "", false, false).unwrap_err();
        assert!(refused.message.contains("file/llmgw.yaml") && refused.hint.is_some(), "{refused:?}");
    }
}
