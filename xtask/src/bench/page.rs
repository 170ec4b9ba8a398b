//! Figures in the documentation, between two lines that stay.

use std::{fs, path::Path};

use super::{BenchError, io};

/// Replaces what stands between `<!-- marker -->` and `<!-- end of marker -->`.
pub(crate) fn write(path: &Path, marker: &str, text: &str) -> Result<(), BenchError> {
    let page = fs::read_to_string(path).map_err(io(format!("read {}", path.display())))?;
    let page = filled(&page, marker, text)
        .ok_or_else(|| BenchError::Marker { path: path.to_path_buf(), marker: marker.to_owned() })?;
    fs::write(path, page).map_err(io(format!("write {}", path.display())))
}

fn filled(page: &str, marker: &str, text: &str) -> Option<String> {
    let begin = format!("<!-- {marker} -->\n");
    let end = format!("<!-- end of {marker} -->\n");
    let (before, rest) = page.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}\n{}\n\n{end}{after}", text.trim()))
}

#[cfg(test)]
mod tests {
    use super::filled;

    #[test]
    fn only_what_is_between_the_markers_changes() {
        let page = "a\n<!-- x -->\nold\n<!-- end of x -->\nb\n";
        let once = filled(page, "x", "new\n").unwrap();
        assert_eq!(once, "a\n<!-- x -->\n\nnew\n\n<!-- end of x -->\nb\n");
        assert_eq!(filled(&once, "x", "new").as_deref(), Some(once.as_str()));
    }

    #[test]
    fn a_page_without_markers_is_left_alone() {
        assert_eq!(filled("a\n", "x", "new"), None);
    }
}
