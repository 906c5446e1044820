"""Where tokens go: one short file each. A token comes in; later steps of the job have it."""
