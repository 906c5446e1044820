"""Where ID tokens come from: one short file each. An audience goes in, an ID token comes out."""
