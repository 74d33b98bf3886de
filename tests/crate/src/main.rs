//! reader SIDECAR FOLDER: reads a sidecar by smolvm's own crate, prints its manifest as JSON, and unpacks it into FOLDER as
//! `smolvm pack run` does. Exit: 0; 1 where the crate refuses it.

use std::path::Path;
use std::process::ExitCode;

fn read(sidecar: &Path, folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let footer = smolvm_pack::read_footer_from_sidecar(sidecar)?;
    if !smolvm_pack::verify_sidecar_checksum(sidecar, &footer)? {
        return Err("the checksum is another".into());
    }
    let manifest = smolvm_pack::read_manifest_from_sidecar(sidecar)?;
    println!("{}", serde_json::to_string(&manifest)?);
    smolvm_pack::extract::extract_sidecar(sidecar, folder, &footer, true, false)?;
    Ok(())
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().collect();
    if words.len() != 3 {
        eprintln!("usage: reader SIDECAR FOLDER");
        return ExitCode::from(100);
    }
    match read(Path::new(&words[1]), Path::new(&words[2])) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("reader: {error}");
            ExitCode::FAILURE
        }
    }
}
