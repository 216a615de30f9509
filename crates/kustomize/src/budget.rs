//! How much a build may read and make. Folders may include one another many times over, and patches and replacements copy;
//! few lines could ask for more than any machine has.

use serde_json::Value;

/// Kustomizations inside one another.
pub const DEPTH: usize = 50;
/// Kustomizations read, each as often as it is included.
pub const FOLDERS: usize = 5_000;
/// Objects in a result.
pub const OBJECTS: usize = 50_000;
/// Bytes of one file.
pub const FILE: u64 = 16 << 20;
/// Bytes of all files.
pub const BYTES: u64 = 64 << 20;
/// Values in the resources, and those that patches, labels and replacements put into them; a text of 64 bytes counts as one more.
pub const VALUES: usize = 1_000_000;
/// Objects that patches and other changes look at.
pub const LOOKS: usize = 50_000_000;
/// How deep the values of an object may be.
pub const NESTING: usize = 200;
/// Bytes of a name, as Kubernetes has it.
pub const NAME: usize = 253;

/// What is left.
#[derive(Debug)]
pub struct Budget {
    folders: usize,
    bytes: u64,
    values: usize,
    looks: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { folders: FOLDERS, bytes: BYTES, values: VALUES, looks: LOOKS }
    }
}

impl Budget {
    /// One more kustomization at this depth.
    ///
    /// # Errors
    /// What it is too much of.
    pub fn folder(&mut self, depth: usize) -> Result<(), String> {
        if depth > DEPTH {
            return Err(format!("kustomizations are nested deeper than {DEPTH}"));
        }
        let left = self.folders.checked_sub(1);
        self.folders = left.ok_or_else(|| format!("more than {FOLDERS} kustomizations are included"))?;
        Ok(())
    }

    /// A file that was read.
    ///
    /// # Errors
    /// What it is too much of.
    pub fn file(&mut self, length: usize) -> Result<(), String> {
        let length = length as u64;
        if length > FILE {
            return Err(format!("the file is larger than {} MiB", FILE >> 20));
        }
        let left = self.bytes.checked_sub(length);
        self.bytes = left.ok_or_else(|| format!("all files together are larger than {} MiB", BYTES >> 20))?;
        Ok(())
    }

    /// That many objects are about to be looked at.
    ///
    /// # Errors
    /// What it is too much of.
    pub fn look(&mut self, objects: usize) -> Result<(), String> {
        let left = self.looks.checked_sub(objects);
        self.looks = left.ok_or("there are too many patches and other changes for so many objects")?;
        Ok(())
    }

    /// A value that is read, or about to be put into an object.
    ///
    /// # Errors
    /// What it is too much of.
    pub fn copy(&mut self, value: &Value) -> Result<(), String> {
        let (cost, depth) = measure(value);
        if depth > NESTING {
            return Err(format!("values are nested deeper than {NESTING}"));
        }
        let left = self.values.checked_sub(cost);
        self.values = left
            .ok_or_else(|| format!("resources, patches and replacements make more than {VALUES} values"))?;
        Ok(())
    }
}

/// Cost and depth of a value. Depth of a text is bounded by its reader, growth by the check on every copy.
fn measure(value: &Value) -> (usize, usize) {
    let children = |values: &mut dyn Iterator<Item = &Value>| {
        values.map(measure).fold((1, 0), |(cost, depth), (c, d)| (cost + c, depth.max(d)))
    };
    match value {
        Value::String(text) => (1 + text.len() / 64, 0),
        Value::Array(items) => {
            let (cost, depth) = children(&mut items.iter());
            (cost, depth + 1)
        }
        Value::Object(fields) => {
            let (cost, depth) = children(&mut fields.values());
            (cost + fields.keys().map(|key| 1 + key.len() / 64).sum::<usize>(), depth + 1)
        }
        _ => (1, 0),
    }
}
