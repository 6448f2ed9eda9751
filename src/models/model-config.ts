// What a model's config.json says: Hugging Face's, or open_clip's as Immich exports it.
import { z } from 'zod'

export const modelConfig = z.object({
  model_type: z.string().optional(),
  projection_dim: z.number().int().positive().optional(),
  /** open_clip's name for it. */
  embed_dim: z.number().int().positive().optional(),
  /** Temperature as a factor on the cosine; CLIP's own is 100. */
  logit_scale: z.number().positive().default(100),
  text_config: z
    .object({
      max_position_embeddings: z.number().int().min(2).optional(),
      pad_token_id: z.number().int().nullish(),
    })
    .default({}),
  /** open_clip's. */
  text_cfg: z.object({ context_length: z.number().int().min(2).optional() }).default({}),
})

export type ModelConfig = z.infer<typeof modelConfig>

/** Length of the vectors, if it says so. */
export function dimensionOf({ projection_dim, embed_dim }: ModelConfig): number | undefined {
  return projection_dim ?? embed_dim
}

/** Most tokens of a text, if it says so. */
export function contextOf({ text_config, text_cfg }: ModelConfig): number | undefined {
  return text_config.max_position_embeddings ?? text_cfg.context_length
}

/** Most tokens of a text where neither config.json nor the manifest says so. */
export function usualContext(config: ModelConfig): number {
  return padsToContext(config) ? 64 : 77
}

/** SigLIP takes the last of 64 tokens for the whole text, padding or not, and small letters only. */
export function padsToContext({ model_type }: ModelConfig): boolean {
  return /^siglip2?$/.test(model_type ?? '')
}
