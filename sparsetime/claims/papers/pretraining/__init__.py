"""Claims about pretraining over time: masks, contrast, prediction and denoising without labels."""
