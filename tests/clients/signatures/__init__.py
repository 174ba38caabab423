"""What services verify, computed anew from their documentation: one file for each way of signing."""
