"""The file that keeps a study where no database does: read line by line, mended at its end, salvaged when damaged."""
